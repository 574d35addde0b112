"""Keeps which version of the shop's terms an account accepted, and when."""

from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.tables.accounts import User
from models.tables.privacy import Consent
from tasks.context import Context


def accept_terms(context: Context, user_id: UUID, version: str) -> None:
    """Note that an account accepts a version of the terms; again, the first time counts."""
    with context.database.transaction() as session:
        note_consent(session, user_id, version)


def note_consent(session: Session, user_id: UUID, version: str) -> None:
    """Do so in the caller's transaction."""
    consent = insert(Consent).values(user_id=user_id, version=version)
    session.execute(consent.on_conflict_do_nothing())
    accepted = update(User).where(User.id == user_id, User.terms_version.is_distinct_from(version))
    session.execute(accepted.values(terms_version=version, terms_accepted_at=func.now()))
