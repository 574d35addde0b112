"""Links that are mailed: made with the mail that carries them, good once and for a time.

The database holds the digest of a link's token only; `tasks.mail.links` makes the token again for the letter.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from models.enums import LinkKind, StaffRole
from models.errors import LinkSpent
from models.tables.accounts import AccountLink
from tasks.mail.links import digest_of, token_of

_MOST_CHARACTERS: Final = 64  # of a token; ours have 54


def make_link(
    session: Session,
    secret_key: str,
    user_id: UUID,
    kind: LinkKind,
    *,
    lives: timedelta,
    email: str | None = None,
    order_id: UUID | None = None,
    staff_role: StaffRole | None = None,
) -> UUID:
    """Make a link in the caller's transaction, and return its id, from which its token is made."""
    link_id = uuid4()
    link = AccountLink(
        id=link_id,
        digest=digest_of(token_of(secret_key, link_id)),
        user_id=user_id,
        kind=kind,
        email=email,
        order_id=order_id,
        staff_role=staff_role,
        expires_at=func.now() + lives,
    )
    session.add(link)
    return link_id


def use_link(session: Session, token: str, *kinds: LinkKind) -> AccountLink:
    """Use a link up in the caller's transaction; of many who use it at once, one can.

    Raises:
        LinkSpent: it was used, has expired, is of another kind, or there is none.
    """
    is_good = (
        AccountLink.digest == digest_of(token[:_MOST_CHARACTERS]),
        AccountLink.kind.in_(kinds),
        AccountLink.used_at.is_(None),
        AccountLink.expires_at > func.now(),
    )
    using = update(AccountLink).where(*is_good).values(used_at=func.now()).returning(AccountLink)
    link = session.scalar(using)
    if link is None:
        raise LinkSpent("The link was used before, or has expired. Ask for a new one.")
    return link


def drop_links(session: Session, user_id: UUID, *kinds: LinkKind) -> None:
    """Make what was mailed to an account earlier good for nothing, in the caller's transaction."""
    unused = (AccountLink.user_id == user_id, AccountLink.kind.in_(kinds), AccountLink.used_at.is_(None))
    session.execute(update(AccountLink).where(*unused).values(used_at=func.now()))
