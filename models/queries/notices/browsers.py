"""Queries on web push: an account's browsers, and those that some messages go to."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.notices.pushes import PushSubscription


def subscriptions_of(session: Session, user_id: UUID, limit: int) -> Sequence[PushSubscription]:
    """List an account's browsers, newest first."""
    own = select(PushSubscription).where(PushSubscription.user_id == user_id)
    newest = (PushSubscription.created_at.desc(), PushSubscription.id)
    return session.scalars(own.order_by(*newest).limit(limit)).all()


def find_subscriptions(session: Session, ids: Collection[UUID]) -> dict[UUID, PushSubscription]:
    """Find subscriptions by their ids; those that are gone are missing."""
    found = session.scalars(select(PushSubscription).where(PushSubscription.id.in_(ids)))
    return {one.id: one for one in found}
