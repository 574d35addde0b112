"""Creates accounts: a shopper's, and a crowd's for load generators."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert as insert_or_not
from sqlalchemy.orm import Session

from models.database import take_time
from models.driver import LONG
from models.enums import Role
from models.errors import EmailTaken
from models.queries.accounts import user_of_email
from models.tables.accounts import User
from tasks.accounts.mailed_links import mail_first_link, mail_known_address
from tasks.accounts.terms import note_consent
from tasks.context import Context
from tasks.mail.outbox import is_on

BATCH: Final = 10_000  # rows a statement

_INSERT_USERS: Final = text(
    "INSERT INTO users (id, email, name, email_verified_at)"
    " SELECT unnest(CAST(:ids AS uuid[])), unnest(CAST(:emails AS text[])), 'crowd', now()"
)
_INSERT_FAMILIES: Final = text(
    "INSERT INTO token_families (id, user_id, newest_jti, expires_at)"
    " SELECT unnest(CAST(:families AS uuid[])), unnest(CAST(:ids AS uuid[])), gen_random_uuid(),"
    " now() + make_interval(secs => :ttl)"
)


def add_shopper(
    context: Context, *, password_hash: str, accepted_terms: str | None = None, **columns: Any
) -> User:
    """Make a shopper's account, and mail the link that confirms its address; `accepted_terms`: which version.

    With mail, who asks is not told whether the address has an account already: that account is told instead,
    at the same cost, and who asks gets what a new account would look like.

    Raises:
        EmailTaken: without mail.
    """
    asked = User(id=uuid4(), role=Role.SHOPPER, **columns)
    row = insert_or_not(User).values(id=asked.id, password_hash=password_hash, **columns)
    with context.database.transaction() as session:
        known = user_of_email(session, asked.email)
        user: User | None = session.scalar(row.on_conflict_do_nothing().returning(User))
        if user is not None:
            if accepted_terms:
                note_consent(session, user.id, accepted_terms)
            if is_on(session):
                mail_first_link(session, context.settings, user.id)
            return user
        if not is_on(session):
            raise EmailTaken(asked.email)
        known = known or user_of_email(session, asked.email)
        if known is not None:
            mail_known_address(session, context.settings, known.id)
    return asked


def add_crowd(context: Context, count: int, ttl_s: int) -> Iterator[tuple[UUID, UUID]]:
    """Insert shoppers in bulk, without passwords, and yield each with its log-in once it is stored.

    Their addresses count as confirmed, so that they may enter every sale.
    """
    name = uuid4().hex[:12]
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        ids = [uuid4() for _ in range(size)]
        families = [uuid4() for _ in range(size)]
        emails = [f"crowd-{name}-{start + at}@crowd.invalid" for at in range(size)]
        with context.database.transaction() as session:
            take_time(session, LONG)
            _insert(session, ids, emails, families, ttl_s)
        yield from zip(ids, families, strict=True)


def _insert(session: Session, ids: list[UUID], emails: list[str], families: list[UUID], ttl_s: int) -> None:
    session.execute(_INSERT_USERS, {"ids": ids, "emails": emails})
    session.execute(_INSERT_FAMILIES, {"families": families, "ids": ids, "ttl": ttl_s})
