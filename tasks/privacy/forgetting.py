"""Takes an account's name and address out of every row of the ledger; rows that carry a promise stay.

The address goes wherever it stands, since nobody else has it. The name goes from the rows that are about the
account: elsewhere the same word may be another's. Which columns hold words is read from the tables, so that a
column that is added later is searched as well.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    String,
    Table,
    Text,
    cast,
    delete,
    func,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

from models.enums import MailStatus, Role
from models.pseudonyms import pseudonym_of
from models.queries.privacy import about, goes_with_account
from models.tables.accounts import TokenFamily, User
from models.tables.mails import Mail
from models.tables.orders import Order
from models.tables.payments import Receipt
from models.tables.rows import metadata

PUT_IN_PLACE: Final = "[erased]"
_NAME: Final = (r"(?<!\w)", r"(?!\w)")  # what may not stand before and after it: it would be another's
_ANYWHERE: Final = ("", "")
_ADDRESS: Final = (r"(?<![\w.+-])", r"(?!\.?\w|-)")
CODES: Final = 32  # characters; a column that takes no more holds a code and no words

# What the shop says of itself, and the sandbox's own books, which are a provider's; of links and log-ins, an
# account's own are cleared, and others say nothing of it.
_UNSEARCHED: Final = frozenset(
    {
        "account_links",
        "products",
        "sale_reports",
        "sales",
        "sandbox_charges",
        "sandbox_events",
        "token_families",
    }
)
# Log-ins are remembered until no process takes their tokens; consents are what shows that there was one.
_KEPT: Final = frozenset({"consents", "token_families"})


def forget(session: Session, user: User) -> None:
    """Forget an account in the caller's transaction; its mails that wait to be sent keep theirs."""
    email, name, user_id = user.email, user.name, user.id
    forget_rows(session, user_id)
    session.execute(update(User).where(User.id == user_id).values(_blank(user_id)))
    for table in metadata.sorted_tables:
        if table.name in _UNSEARCHED:
            continue
        is_theirs = about(table, user_id)
        may_go = true() if table is not Mail.__table__ else ~is_theirs | (Mail.status != MailStatus.PENDING)
        for column in wordy(table):
            _replace(session, column, email, may_go & is_theirs)
            _replace(session, column, email, may_go, _ADDRESS)
            if name.strip():
                _replace(session, column, name.strip(), may_go & is_theirs, _NAME)


def forget_rows(session: Session, user_id: UUID) -> None:
    """Clear what is an account's own, also what came after it was forgotten; again, it changes nothing."""
    for table in metadata.sorted_tables:
        if goes_with_account(table) and table.name not in _KEPT:
            session.execute(delete(table).where(about(table, user_id)))
    family = update(TokenFamily).where(TokenFamily.user_id == user_id)
    session.execute(family.values(user_agent="", network=""))
    mine = select(Order.id).where(Order.user_id == user_id)
    receipt = update(Receipt).where(Receipt.order_id.in_(mine))
    session.execute(receipt.values(buyer_name="", buyer_email=pseudonym_of(user_id)))
    mail = update(Mail).where(Mail.user_id == user_id, Mail.status != MailStatus.PENDING)
    session.execute(mail.values(to_name="", to_email="", contents={}, error=None))


def wordy(table: Table) -> Iterator[Column[Any]]:
    """List the columns of a table that may hold words of people; those of addresses hold no others."""
    for column in table.c:
        if column.name.endswith("email"):
            continue
        kind = column.type
        is_long = isinstance(kind, String) and (kind.length is None or kind.length > CODES)
        if is_long or isinstance(kind, JSON):
            yield column


def _blank(user_id: UUID) -> dict[str, Any]:
    """What an erased account's row says."""
    nothing = (
        "password_hash",
        "ban_reason",
        "email_verified_at",
        "password_changed_at",
        "language",
        "time_zone",
        "totp_secret",
        "totp_confirmed_at",
        "totp_last_step",
        "staff_role",
    )
    return dict.fromkeys(nothing) | {
        "email": pseudonym_of(user_id),
        "name": "",
        "role": Role.SHOPPER,
        "mail_choices": {},
        "erased_at": func.now(),
    }


def _replace(
    session: Session,
    column: Column[Any],
    words: str,
    where: ColumnElement[bool],
    around: tuple[str, str] = _ANYWHERE,
) -> None:
    """Put something else in the place of some words in a column, in texts and in the values of JSON."""
    table = column.table
    is_json = isinstance(column.type, JSON)
    written = json.dumps(words, ensure_ascii=False)[1:-1] if is_json else words  # as PostgreSQL writes JSON
    says = cast(column, Text).icontains(written, autoescape=True)
    keys = list(table.primary_key.columns)
    found = session.execute(select(column, *keys).where(where, says).with_for_update()).all()
    pattern = re.compile(around[0] + re.escape(words) + around[1], re.IGNORECASE)
    for value, *ids in found:
        same = [key == one for key, one in zip(keys, ids, strict=True)]
        session.execute(update(table).where(*same).values({column.name: _without(value, pattern)}))


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(PUT_IN_PLACE, value)
    if isinstance(value, dict):
        return {key: _without(one, pattern) for key, one in value.items()}
    return [_without(one, pattern) for one in value] if isinstance(value, list) else value
