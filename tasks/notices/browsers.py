"""Browsers that an account lets be told: entered with their keys, taken away by their owner."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.errors import NotFound
from models.queries.notices.browsers import subscriptions_of
from models.tables.accounts import TokenFamily
from models.tables.notices.pushes import PushSubscription
from tasks.context import Context

MOST: Final = 20  # browsers of an account; the oldest make room


class Browser(NamedTuple):
    """A browser as it presents itself: where it is reached, and its keys in URL-safe Base64."""

    endpoint: str
    p256dh: str
    auth: str
    user_agent: str


def subscribe(context: Context, user_id: UUID, family_id: UUID, browser: Browser) -> PushSubscription:
    """Let a browser be told in the name of an account; one that told somebody else before forgets that.

    Raises:
        NotFound: the shop has no keys to push by.
    """
    if context.settings.push is None:
        raise NotFound("This shop pushes nothing.")
    with context.database.transaction() as session:
        others = (PushSubscription.endpoint == browser.endpoint, PushSubscription.user_id != user_id)
        session.execute(delete(PushSubscription).where(*others))
        entered = _enter(session, user_id, family_id, browser)
        _make_room(session, user_id)
        return entered


def unsubscribe(context: Context, user_id: UUID, subscription_id: UUID) -> None:
    """Tell a browser nothing more.

    Raises:
        NotFound: the account has no such subscription.
    """
    own = (PushSubscription.id == subscription_id, PushSubscription.user_id == user_id)
    with context.database.transaction() as session:
        gone = session.scalar(delete(PushSubscription).where(*own).returning(PushSubscription.id))
    if gone is None:
        raise NotFound("No subscription of yours has this id.")


def list_subscriptions(context: Context, user_id: UUID) -> Sequence[PushSubscription]:
    """List an account's browsers, newest first."""
    with context.database.transaction() as session:
        return subscriptions_of(session, user_id, MOST)


def _enter(session: Session, user_id: UUID, family_id: UUID, browser: Browser) -> PushSubscription:
    known = select(TokenFamily.id).where(TokenFamily.id == family_id).scalar_subquery()
    values = {"user_id": user_id, "family_id": known, "created_at": func.now(), **browser._asdict()}
    entering = insert(PushSubscription).values(id=uuid4(), **values)
    entering = entering.on_conflict_do_update(index_elements=[PushSubscription.endpoint], set_=values)
    return session.scalars(entering.returning(PushSubscription)).one()


def _make_room(session: Session, user_id: UUID) -> None:
    oldest = (
        select(PushSubscription.id)
        .where(PushSubscription.user_id == user_id)
        .order_by(PushSubscription.created_at.desc(), PushSubscription.id)
        .offset(MOST)
    )
    session.execute(delete(PushSubscription).where(PushSubscription.id.in_(oldest)))
