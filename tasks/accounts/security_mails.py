"""Tells an account by mail that how one logs in to it was changed."""

from uuid import uuid4

from sqlalchemy.orm import Session

from models.enums import MailKind
from models.tables.accounts import User
from tasks.mail.outbox import enter_letter, reader_of


def tell_change(session: Session, user: User, change: str, **contents: str) -> None:
    """Tell an account by mail that its credentials changed, in the caller's transaction."""
    said = {"change": change, **contents}
    enter_letter(session, MailKind.CREDENTIALS, reader_of(user), uuid4(), contents=said)
