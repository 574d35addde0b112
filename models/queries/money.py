"""Queries on unfinished payments, refunds, mails and pushes: how many there are, and since when."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, literal, literal_column, select, union_all
from sqlalchemy.orm import Session

from models.enums import MailStatus, RefundStatus
from models.tables.mails import Mail
from models.tables.notices.pushes import PushMessage
from models.tables.payments import Payment, Refund

WAITING: Final = "pending"  # of pushes, whose rows have no status


@dataclass(frozen=True, slots=True)
class Open:
    """How many rows of a status are not finished, and how old the oldest is."""

    status: str
    count: int
    oldest: timedelta


def _count(rows: Any, status: Any, is_open: ColumnElement[bool]) -> Select[Any]:
    """Read an index of just what is open."""
    oldest: ColumnElement[datetime] = func.min(rows.created_at)
    age = func.greatest(func.now() - oldest, timedelta(0))  # the clock may have been set back since
    return select(literal(rows.__tablename__), status, func.count(), age).where(is_open)


_OPEN: Final = union_all(
    _count(Payment, Payment.status, Payment.finished_at.is_(None)).group_by(Payment.status),
    _count(Refund, Refund.status, Refund.status != RefundStatus.SUCCEEDED).group_by(Refund.status),
    _count(Mail, Mail.status, Mail.due_at.is_not(None) & (Mail.status == MailStatus.PENDING)).group_by(
        Mail.status
    ),
    _count(PushMessage, literal_column(f"'{WAITING}'"), PushMessage.due_at.is_not(None)),
)


def read_open(session: Session) -> Mapping[str, Sequence[Open]]:
    """Look at everything that has not come to its end, by its table."""
    found: dict[str, list[Open]] = defaultdict(list)
    for table, status, many, age in session.execute(_OPEN):
        found[table].append(Open(status, many, age))
    return found
