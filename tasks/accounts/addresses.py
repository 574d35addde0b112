"""Confirms addresses by mailed links: an account's own, or the one that it changes to."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.enums import LinkKind
from models.errors import EmailTaken, LinkSpent
from models.queries.accounts import lock_user
from models.tables.accounts import User
from tasks.accounts.links import drop_links, use_link
from tasks.accounts.log_ins import revoke_log_ins
from tasks.accounts.security_mails import tell_change
from tasks.context import Context

OF_ADDRESSES = (LinkKind.VERIFY_EMAIL, LinkKind.CHANGE_EMAIL)


class Confirmed(NamedTuple):
    """An account whose address is confirmed now, and the log-ins that a new address ended."""

    user: User
    ended: Sequence[UUID]


def confirm_address(context: Context, token: str, *, besides: UUID | None = None) -> Confirmed:
    """Use a mailed link up: its address is confirmed, and becomes the account's if it was to be changed.

    A changed address ends the account's other log-ins, `besides` that one, and is told to the old address.

    Raises:
        LinkSpent: the link is good for nothing (any more).
        EmailTaken: somebody else has confirmed the address meanwhile; the link stays as it is.
    """
    try:
        with context.database.transaction() as session:
            link = use_link(session, token, *OF_ADDRESSES)
            user = lock_user(session, link.user_id)
            if user is None or user.erased_at is not None:
                raise LinkSpent("The account is gone.")
            ended = _change_address(session, user, link.email, besides) if link.email else ()
            user.email_verified_at = func.now() if link.email else user.email_verified_at or func.now()
            drop_links(session, user.id, *OF_ADDRESSES)
            session.flush()
            session.refresh(user)
            return Confirmed(user, ended)
    except IntegrityError as error:
        raise EmailTaken("Another account has this address.") from error


def _change_address(session: Session, user: User, email: str, besides: UUID | None) -> Sequence[UUID]:
    tell_change(session, user, "email_changed", email=masked(email))
    drop_links(session, user.id, LinkKind.RESET_PASSWORD)  # which was mailed to the old one
    user.email = email
    return revoke_log_ins(session, user.id, besides=besides)


def masked(email: str) -> str:
    """Write an address so that its owner knows it and nobody else learns it: `a…@example.com`."""
    name, _, host = email.rpartition("@")
    return f"{name[:1]}…@{host}"
