"""Mails an account a link, as often as its mailbox can bear, in the caller's transaction."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from config import Settings
from models.enums import LinkKind, MailKind
from models.queries.accounts import count_links, lock_user, user_of_email
from models.tables.accounts import User
from tasks.accounts.links import make_link
from tasks.context import Context
from tasks.mail.outbox import enter_letter, reader_of

LIVES: Final = {
    LinkKind.VERIFY_EMAIL: timedelta(days=3),
    LinkKind.CHANGE_EMAIL: timedelta(days=1),
    LinkKind.RESET_PASSWORD: timedelta(hours=1),
}
PAUSE: Final = timedelta(minutes=2)  # between two links of a kind to one account
MOST_A_DAY: Final = 10  # links of a kind to one account


def mail_link(
    session: Session,
    settings: Settings,
    user: User,
    kind: LinkKind,
    mail_kind: MailKind,
    *,
    email: str | None = None,
) -> None:
    """Make a link and enter the mail that carries it; `email` is the address that a change asks for."""
    link_id = make_link(session, settings.secret_key, user.id, kind, lives=LIVES[kind], email=email)
    reader = reader_of(user)._replace(email=email or user.email)
    contents = {"link": str(link_id), "hours": LIVES[kind] // timedelta(hours=1)}
    enter_letter(session, mail_kind, reader, link_id, contents=contents)


def make_unmailed_link(session: Session, settings: Settings, user: User, email: str) -> None:
    """Count a change of address like any other, although its address is somebody else's."""
    kind = LinkKind.CHANGE_EMAIL
    make_link(session, settings.secret_key, user.id, kind, lives=LIVES[kind], email=email)


def mail_first_link(session: Session, settings: Settings, user_id: UUID) -> None:
    """Mail a new account its link, by the same statements as `mail_known_address`: so both take as long."""
    user = lock_user(session, user_id)
    if user is not None and _may_be_mailed(session, user, LinkKind.VERIFY_EMAIL):
        mail_link(session, settings, user, LinkKind.VERIFY_EMAIL, MailKind.VERIFY_EMAIL)


def mail_known_address(session: Session, settings: Settings, user_id: UUID) -> None:
    """Tell an account that somebody wanted its address for another one, with a link to a new password.

    Not so often that a stranger could fill the mailbox.
    """
    user = lock_user(session, user_id)
    if user is not None and _may_be_mailed(session, user, LinkKind.RESET_PASSWORD):
        mail_link(session, settings, user, LinkKind.RESET_PASSWORD, MailKind.KNOWN_ADDRESS)


def mail_asked_link(context: Context, email: str, kind: LinkKind) -> bool:
    """Mail the link that somebody asked for, if the address has an account for it; returns whether."""
    with context.database.transaction() as session:
        found = user_of_email(session, email)
        user = lock_user(session, found.id) if found is not None else None
        if user is None or not _may_be_mailed(session, user, kind):
            return False
        mail_link(session, context.settings, user, kind, MailKind(kind))
        return True


def _may_be_mailed(session: Session, user: User, kind: LinkKind) -> bool:
    """Whether a link of a kind is of use to an account, and none was mailed to it lately."""
    if user.banned_at is not None or user.erased_at is not None:
        return False
    if kind is LinkKind.VERIFY_EMAIL and user.email_verified_at is not None:
        return False
    return is_bearable(session, user.id, kind)


def is_bearable(session: Session, user_id: UUID, kind: LinkKind) -> bool:
    """Whether an account has asked for few enough links of a kind to be given another one."""
    lately, today = count_links(session, user_id, kind, PAUSE)
    return lately == 0 and today < MOST_A_DAY
