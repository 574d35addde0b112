"""Owns the words of the domain: states, and which state may follow which. Knows no store and no transport."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What an account may do."""

    SHOPPER = "shopper"
    ADMIN = "admin"


class SaleStatus(StrEnum):
    """scheduled → open → (paused ⇄ open) → ended; cancelled from anywhere before the end."""

    SCHEDULED = "scheduled"
    OPEN = "open"
    PAUSED = "paused"
    ENDED = "ended"
    CANCELLED = "cancelled"


SALE_TRANSITIONS: Final[dict[SaleStatus, frozenset[SaleStatus]]] = {
    SaleStatus.SCHEDULED: frozenset({SaleStatus.OPEN, SaleStatus.CANCELLED}),
    SaleStatus.OPEN: frozenset({SaleStatus.PAUSED, SaleStatus.ENDED, SaleStatus.CANCELLED}),
    SaleStatus.PAUSED: frozenset({SaleStatus.OPEN, SaleStatus.ENDED, SaleStatus.CANCELLED}),
    SaleStatus.ENDED: frozenset(),
    SaleStatus.CANCELLED: frozenset(),
}


class AdmissionOrder(StrEnum):
    """How the lobby becomes a line at the opening."""

    FIFO = "fifo"
    DRAW = "draw"


class IntentStatus(StrEnum):
    """waiting → queued → standby → one of the verdicts."""

    WAITING = "waiting"
    QUEUED = "queued"
    STANDBY = "standby"
    HELD = "held"
    SOLD_OUT = "sold_out"
    REJECTED = "rejected"
    LEFT = "left"


VERDICTS: Final = frozenset(
    {IntentStatus.HELD, IntentStatus.SOLD_OUT, IntentStatus.REJECTED, IntentStatus.LEFT}
)


class OrderStatus(StrEnum):
    """held → paying → paid → refunded; held → expired or cancelled; paying → held when declined."""

    HELD = "held"
    PAYING = "paying"
    PAID = "paid"
    REFUNDED = "refunded"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class TaskState(StrEnum):
    """Celery's own words for what a task is doing."""

    PENDING = "PENDING"
    STARTED = "STARTED"
    RETRY = "RETRY"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    REVOKED = "REVOKED"


class Reason(StrEnum):
    """Why an intent was not granted, where its status alone does not say it."""

    SALE_ENDED = "sale_ended"
    SALE_CANCELLED = "sale_cancelled"
