"""Tells shoppers by mail what became of their orders, many in a statement, in the caller's transaction."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from models.enums import MailKind
from models.messages import money, rfc3339
from models.queries.notices.verdicts import orders_to_tell
from tasks.mail.links import digest_of, token_of
from tasks.mail.outbox import DOMAIN, Letter, enter_letters

LINKS_LIVE: Final = timedelta(hours=12)

_MAKE_LINKS: Final = text("""
    INSERT INTO account_links (id, digest, user_id, kind, order_id, expires_at)
    SELECT t.id, t.digest, t.user_id, 'order', t.order_id, now() + CAST(:lives AS interval)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:digests AS bytea[]), CAST(:users AS uuid[]),
                CAST(:orders AS uuid[])) AS t (id, digest, user_id, order_id)
""")


def tell_of_ends(session: Session, kind: MailKind, order_ids: Sequence[UUID], reason: str) -> int:
    """Tell of orders that were cancelled or have expired, and why; returns how many mails were entered."""
    if DOMAIN not in session.info:
        return 0
    rows = orders_to_tell(session, order_ids)
    return len(enter_letters(session, kind, [_letter(row, reason=reason) for row in rows]))


def tell_of_holds(session: Session, kind: MailKind, rows: Sequence[Row[Any]], secret_key: str) -> int:
    """Tell of holds, each with a link that can do nothing but pay it or give it back; returns how many."""
    links = {row.id: uuid4() for row in rows}
    entered = enter_letters(
        session, kind, [_letter(row, link=str(links[row.id]), stood_by=row.stood_by) for row in rows]
    )
    told = [row for row in rows if row.id in entered]
    if told:
        _make_links(session, {links[row.id]: row for row in told}, secret_key)
    return len(told)


def _make_links(session: Session, rows: dict[UUID, Row[Any]], secret_key: str) -> None:
    values = {
        "ids": list(rows),
        "digests": [digest_of(token_of(secret_key, link_id)) for link_id in rows],
        "users": [row.user_id for row in rows.values()],
        "orders": [row.id for row in rows.values()],
        "lives": LINKS_LIVE,
    }
    session.execute(_MAKE_LINKS, values)


def _letter(row: Row[Any], **more: Any) -> Letter:
    contents = {
        "item": row.item,
        "quantity": row.quantity,
        "total": money(row.total_minor, row.currency),
        "expires_at": rfc3339(row.expires_at),
        "order": str(row.id),
    }
    return Letter(row.user_id, row.id, contents | more, row.id)
