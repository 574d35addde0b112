"""Gives accounts new passwords: by a mailed link, or by who knows the present one."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func

from models.enums import LinkKind
from models.errors import LinkSpent
from models.queries.accounts import find_link, lock_user
from models.tables.accounts import User
from tasks.accounts.links import drop_links, use_link
from tasks.accounts.log_ins import revoke_log_ins
from tasks.accounts.security_mails import tell_change
from tasks.context import Context
from tasks.mail.links import digest_of


def account_of_link(context: Context, token: str, kind: LinkKind) -> User:
    """Find the account that a link is of, and leave the link unused.

    Raises:
        LinkSpent: it is good for nothing (any more).
    """
    with context.database.transaction() as session:
        user = find_link(session, digest_of(token), kind)
    if user is None:
        raise LinkSpent("The link was used before, or has expired. Ask for a new one.")
    return user


def reset_password(context: Context, token: str, password_hash: str) -> Sequence[UUID]:
    """Use a mailed link up for a new password; returns the log-ins that this ended, which are all.

    Who read the mail has the mailbox, so the address is confirmed by it too.

    Raises:
        LinkSpent: the link is good for nothing (any more).
    """
    with context.database.transaction() as session:
        link = use_link(session, token, LinkKind.RESET_PASSWORD)
        user = lock_user(session, link.user_id)
        if user is None or user.erased_at is not None:
            raise LinkSpent("The account is gone.")
        user.password_hash, user.password_changed_at = password_hash, func.now()
        user.email_verified_at = user.email_verified_at or func.now()
        drop_links(session, user.id, LinkKind.RESET_PASSWORD, LinkKind.CHANGE_EMAIL, LinkKind.VERIFY_EMAIL)
        tell_change(session, user, "password_reset")
        return revoke_log_ins(session, user.id)
