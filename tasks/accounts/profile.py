"""Changes an account at its owner's request: settings, password, the address it asks for; one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import Session

from config import Settings
from models.enums import LinkKind, MailKind
from models.errors import AskedTooOften, NotFound
from models.queries.accounts import lock_user, user_of_email
from models.tables.accounts import User
from tasks.accounts.addresses import masked
from tasks.accounts.links import drop_links
from tasks.accounts.log_ins import revoke_log_ins
from tasks.accounts.mailed_links import is_bearable, mail_known_address, mail_link, make_unmailed_link
from tasks.accounts.security_mails import tell_change
from tasks.context import Context


class Wanted(NamedTuple):
    """What is to be changed. `settings`: columns; `email`: the address to confirm first."""

    settings: Mapping[str, Any]
    password_hash: str | None = None
    email: str | None = None


class Changed(NamedTuple):
    """An account as it is now, and the log-ins that a new password ended."""

    user: User
    ended: Sequence[UUID]


def change_account(context: Context, user_id: UUID, family: UUID, wanted: Wanted) -> Changed:
    """Change an account; all log-ins besides `family` end with a new password.

    Raises:
        NotFound: it is gone.
        AskedTooOften: it asked for another address a moment ago.
    """
    ended: Sequence[UUID] = ()
    with context.database.transaction() as session:
        user = lock_user(session, user_id)
        if user is None or user.erased_at is not None:
            raise NotFound("The account is gone.")
        for name, value in wanted.settings.items():
            setattr(user, name, value)
        if wanted.password_hash is not None:
            ended = _set_password(session, user, wanted.password_hash, family)
        if wanted.email is not None and wanted.email != user.email:
            _ask_for_address(session, context.settings, user, wanted.email)
        session.flush()
        session.refresh(user)
    return Changed(user, ended)


def _set_password(session: Session, user: User, password_hash: str, family: UUID) -> Sequence[UUID]:
    user.password_hash, user.password_changed_at = password_hash, func.now()
    drop_links(session, user.id, LinkKind.RESET_PASSWORD, LinkKind.CHANGE_EMAIL)
    tell_change(session, user, "password_changed")
    return revoke_log_ins(session, user.id, besides=family)


def _ask_for_address(session: Session, settings: Settings, user: User, email: str) -> None:
    """Mail the new address its link, and the old one a word; nothing tells whether it is somebody's."""
    if not is_bearable(session, user.id, LinkKind.CHANGE_EMAIL):
        raise AskedTooOften("A link was mailed a moment ago.")
    drop_links(session, user.id, LinkKind.CHANGE_EMAIL)
    tell_change(session, user, "email_asked", email=masked(email))
    other = user_of_email(session, email)
    if other is None:
        mail_link(session, settings, user, LinkKind.CHANGE_EMAIL, MailKind.NEW_ADDRESS, email=email)
    else:
        make_unmailed_link(session, settings, user, email)
        mail_known_address(session, settings, other.id)
