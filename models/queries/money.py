"""Queries on unfinished payments, refunds and mails: how many there are, and since when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models.enums import MailStatus, RefundStatus
from models.tables.mails import Mail
from models.tables.payments import Payment, Refund

OPEN: Final[Mapping[str, tuple[type[Any], ColumnElement[bool]]]] = {
    "payments": (Payment, Payment.finished_at.is_(None)),
    "refunds": (Refund, Refund.status != RefundStatus.SUCCEEDED),
    "mails": (Mail, (Mail.due_at.is_not(None)) & (Mail.status == MailStatus.PENDING)),
}


@dataclass(frozen=True, slots=True)
class Open:
    """How many rows of a status are not finished, and how old the oldest is."""

    status: str
    count: int
    oldest: timedelta


def read_open(session: Session) -> dict[str, list[Open]]:
    """Look at everything that has not come to its end, by what it is."""
    return {what: _read_open(session, what) for what in OPEN}


def _read_open(session: Session, what: str) -> list[Open]:
    """Read an index of just what is open."""
    rows, is_open = OPEN[what]
    oldest: ColumnElement[datetime] = func.min(rows.created_at)
    age = func.greatest(func.now() - oldest, timedelta(0))  # the clock may have been set back since
    found = select(rows.status, func.count(), age).where(is_open).group_by(rows.status)
    return [Open(status, many, age) for status, many, age in session.execute(found)]
