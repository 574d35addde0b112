"""The states of the domain, and which state may follow which. Independent of stores and transports."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What an account may do."""

    SHOPPER = "shopper"
    ADMIN = "admin"


class StaffRole(StrEnum):
    """What an admin may do: a viewer only reads; an owner may do everything."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    FINANCE = "finance"
    OWNER = "owner"


class LinkKind(StrEnum):
    """What a link that was mailed is good for."""

    VERIFY_EMAIL = "verify_email"
    CHANGE_EMAIL = "change_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a kind, no password
    INVITATION = "invitation"
    ORDER = "order"


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


UNSTORED: Final = frozenset({IntentStatus.WAITING, IntentStatus.QUEUED})  # of them the line alone knows
VERDICTS: Final = frozenset(
    {IntentStatus.HELD, IntentStatus.SOLD_OUT, IntentStatus.REJECTED, IntentStatus.LEFT}
)


class OrderStatus(StrEnum):
    """held → paying → paid → refunded; held → expired or cancelled; paying → held when declined.

    expired → paid when a charge succeeded late and a unit was still free.
    """

    HELD = "held"
    PAYING = "paying"
    PAID = "paid"
    REFUNDED = "refunded"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


ORDER_TRANSITIONS: Final[dict[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.HELD: frozenset({OrderStatus.PAYING, OrderStatus.EXPIRED, OrderStatus.CANCELLED}),
    OrderStatus.PAYING: frozenset({OrderStatus.PAID, OrderStatus.HELD}),
    OrderStatus.PAID: frozenset({OrderStatus.REFUNDED}),
    OrderStatus.EXPIRED: frozenset({OrderStatus.PAID}),
    OrderStatus.CANCELLED: frozenset(),
    OrderStatus.REFUNDED: frozenset(),
}


class PaymentStatus(StrEnum):
    """pending → succeeded or declined. The provider does not answer: pending → abandoned → late or declined.

    Late: charged after the hold had gone; then succeeded (held again) or refunded. succeeded → refunded.
    """

    PENDING = "pending"
    ABANDONED = "abandoned"
    DECLINED = "declined"
    LATE = "late"
    SUCCEEDED = "succeeded"
    REFUNDED = "refunded"


class RefundStatus(StrEnum):
    """pending → succeeded, or failed, from where an admin may ask again."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundCause(StrEnum):
    """Why money went back: an admin decided so, or the platform had no units left for it."""

    ADMIN = "admin"
    LATE = "late"
    DUPLICATE = "duplicate"
    WRONG_CHARGE = "wrong_charge"
    SALE_CANCELLED = "sale_cancelled"


class MailKind(StrEnum):
    """What a mail is about: money, the account, or what became of an intent."""

    RECEIPT = "receipt"
    REFUND = "refund"
    VERIFY_EMAIL = "verify_email"
    KNOWN_ADDRESS = "known_address"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a kind, no password
    NEW_ADDRESS = "new_address"
    CREDENTIALS = "credentials"
    INVITATION = "invitation"
    OPENS_SOON = "opens_soon"
    DRAW_RESULT = "draw_result"
    HOLD_BEGUN = "hold_begun"
    HOLD_ENDS = "hold_ends"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_EXPIRED = "order_expired"
    ERASED = "erased"


CHOSEN_MAILS: Final = (  # which an account may do without; all others law or safety want
    MailKind.OPENS_SOON,
    MailKind.DRAW_RESULT,
    MailKind.HOLD_BEGUN,
    MailKind.HOLD_ENDS,
    MailKind.ORDER_CANCELLED,
    MailKind.ORDER_EXPIRED,
)


class MailStatus(StrEnum):
    """pending → mailed, or given up after days of trying or for good reason at once. Kept: never sent."""

    PENDING = "pending"
    KEPT = "kept"
    MAILED = "mailed"
    GIVEN_UP = "given_up"


class TaskState(StrEnum):
    """Celery's own words for what a task is doing."""

    PENDING = "PENDING"
    STARTED = "STARTED"
    RETRY = "RETRY"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    REVOKED = "REVOKED"


class SubjectKind(StrEnum):
    """What an admin's action was done to."""

    SALE = "sale"
    PRODUCT = "product"
    ORDER = "order"
    SHOPPER = "shopper"
    TASK = "task"
    KEY = "key"


class AdminAction(StrEnum):
    """What admins do, as their log names it; the entry's kind says to what."""

    CREATED = "created"
    CLONED = "cloned"
    CHANGED = "changed"
    ARCHIVED = "archived"
    OPENED = "opened"
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"
    CANCELLED = "cancelled"
    REBUILT = "rebuilt"
    RETRIED = "retried"
    REFUND_ASKED = "refund_asked"
    BANNED = "banned"
    UNBANNED = "unbanned"
    FACTOR_RESET = "factor_reset"
    INVITED = "invited"
    UNINVITED = "uninvited"
    JOINED = "joined"
    ROLE_CHANGED = "role_changed"
    REMOVED = "removed"
    REVOKED = "revoked"
    ERASED = "erased"
