"""The control room's words for states and kinds, each with the tone of its pill."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from models.enums import (
    IntentStatus,
    MailKind,
    MailStatus,
    OrderStatus,
    PaymentStatus,
    RefundCause,
    RefundStatus,
    Role,
    SaleStatus,
    StaffRole,
    SubjectKind,
    TaskState,
)
from web.shop.languages import N_, NP_, said

GOOD: Final = "good"
BUSY: Final = "busy"  # it goes on by itself
BAD: Final = "bad"  # somebody should look
QUIET: Final = "quiet"  # it is over


class Said(NamedTuple):
    """A state in words."""

    words: str
    tone: str


STATES: Final[Mapping[str, Mapping[str, Said]]] = {
    "sale": {
        SaleStatus.SCHEDULED: Said(N_("Coming"), QUIET),
        SaleStatus.OPEN: Said(N_("Open now"), GOOD),
        SaleStatus.PAUSED: Said(N_("Paused"), BUSY),
        SaleStatus.ENDED: Said(N_("Over"), QUIET),
        SaleStatus.CANCELLED: Said(N_("Cancelled"), QUIET),
    },
    "order": {
        OrderStatus.HELD: Said(NP_("order", "Held"), BUSY),
        OrderStatus.PAYING: Said(N_("Paying"), BUSY),
        OrderStatus.PAID: Said(NP_("order", "Paid"), GOOD),
        OrderStatus.REFUNDED: Said(NP_("order", "Refunded"), QUIET),
        OrderStatus.EXPIRED: Said(N_("Hold ran out"), QUIET),
        OrderStatus.CANCELLED: Said(N_("Cancelled"), QUIET),
    },
    "intent": {
        IntentStatus.WAITING: Said(N_("In the lobby"), BUSY),
        IntentStatus.QUEUED: Said(N_("In line"), BUSY),
        IntentStatus.STANDBY: Said(N_("On standby"), BUSY),
        IntentStatus.HELD: Said(NP_("intent", "Granted"), GOOD),
        IntentStatus.SOLD_OUT: Said(N_("Sold out"), QUIET),
        IntentStatus.REJECTED: Said(NP_("intent", "Refused"), QUIET),
        IntentStatus.LEFT: Said(N_("Left the line"), QUIET),
    },
    "payment": {
        PaymentStatus.PENDING: Said(N_("Under way"), BUSY),
        PaymentStatus.ABANDONED: Said(N_("Given up unanswered"), BAD),
        PaymentStatus.DECLINED: Said(N_("Declined"), QUIET),
        PaymentStatus.LATE: Said(N_("Charged too late"), BUSY),
        PaymentStatus.SUCCEEDED: Said(N_("Charged"), GOOD),
        PaymentStatus.REFUNDED: Said(NP_("money", "Given back"), QUIET),
    },
    "refund": {
        RefundStatus.PENDING: Said(N_("Under way"), BUSY),
        RefundStatus.SUCCEEDED: Said(NP_("money", "Given back"), GOOD),
        RefundStatus.FAILED: Said(N_("Refused by the provider"), BAD),
    },
    "cause": {
        RefundCause.ADMIN: Said(N_("An admin asked for it"), QUIET),
        RefundCause.LATE: Said(N_("Paid too late"), QUIET),
        RefundCause.DUPLICATE: Said(N_("Paid twice"), QUIET),
        RefundCause.WRONG_CHARGE: Said(N_("A wrong amount was charged"), QUIET),
        RefundCause.SALE_CANCELLED: Said(N_("The sale was cancelled"), QUIET),
    },
    "task": {
        TaskState.PENDING: Said(N_("Waits"), BUSY),
        TaskState.STARTED: Said(N_("Is being done"), BUSY),
        TaskState.RETRY: Said(N_("Is tried again"), BUSY),
        TaskState.SUCCESS: Said(N_("Done"), GOOD),
        TaskState.FAILURE: Said(N_("Failed"), BAD),
        TaskState.REVOKED: Said(N_("Withdrawn"), QUIET),
    },
    "kind": {
        "intent": Said(N_("Intent"), QUIET),
        "payment": Said(N_("Payment"), QUIET),
        "refund": Said(N_("Refund"), QUIET),
        "mail": Said(N_("Mail"), QUIET),
        "audit": Said(N_("Audit"), QUIET),
        "purge": Said(N_("Purge"), QUIET),
        "expel": Said(N_("Expulsion"), QUIET),
        "report": Said(N_("Report"), QUIET),
        "export": Said(N_("Copy of personal data"), QUIET),
        "erase": Said(N_("Erasure"), QUIET),
    },
    "letter": {
        MailKind.RECEIPT: Said(N_("Receipt"), QUIET),
        MailKind.REFUND: Said(N_("Refund"), QUIET),
        MailKind.VERIFY_EMAIL: Said(N_("Address to confirm"), QUIET),
        MailKind.KNOWN_ADDRESS: Said(N_("Address has an account"), QUIET),
        MailKind.RESET_PASSWORD: Said(N_("New password"), QUIET),
        MailKind.NEW_ADDRESS: Said(N_("New address"), QUIET),
        MailKind.CREDENTIALS: Said(N_("Change to the account"), QUIET),
        MailKind.INVITATION: Said(N_("Invitation"), QUIET),
        MailKind.OPENS_SOON: Said(N_("A sale opens soon"), QUIET),
        MailKind.DRAW_RESULT: Said(N_("Result of a draw"), QUIET),
        MailKind.HOLD_BEGUN: Said(N_("Hold has begun"), QUIET),
        MailKind.HOLD_ENDS: Said(N_("Hold ends soon"), QUIET),
        MailKind.ORDER_CANCELLED: Said(N_("Order cancelled"), QUIET),
        MailKind.ORDER_EXPIRED: Said(N_("Hold ran out"), QUIET),
        MailKind.ERASED: Said(N_("Account erased"), QUIET),
    },
    "mail": {
        MailStatus.PENDING: Said(N_("Waits"), BUSY),
        MailStatus.KEPT: Said(N_("Kept here"), QUIET),
        MailStatus.MAILED: Said(N_("Sent"), GOOD),
        MailStatus.GIVEN_UP: Said(N_("Given up"), BAD),
    },
    "staff_role": {
        StaffRole.VIEWER: Said(N_("Viewer"), QUIET),
        StaffRole.OPERATOR: Said(N_("Operator"), QUIET),
        StaffRole.FINANCE: Said(N_("Finance"), QUIET),
        StaffRole.OWNER: Said(N_("Owner"), GOOD),
    },
    "subject": {
        SubjectKind.KEY: Said(N_("Key"), QUIET),
        SubjectKind.SALE: Said(N_("Sale"), QUIET),
        SubjectKind.PRODUCT: Said(N_("Product"), QUIET),
        SubjectKind.ORDER: Said(N_("Order"), QUIET),
        SubjectKind.SHOPPER: Said(N_("Shopper"), QUIET),
        SubjectKind.TASK: Said(N_("Task"), QUIET),
    },
    "role": {
        Role.SHOPPER: Said(N_("Shopper"), QUIET),
        Role.ADMIN: Said(N_("Admin"), QUIET),
    },
}


def say_state(of: str, state: str) -> Said:
    """Name a state in the visitor's language; one that is not known here stays as it is called."""
    found = STATES[of].get(state, Said(state, QUIET))
    return Said(said(found.words), found.tone)


def choices(of: str) -> list[tuple[str, str]]:
    """List what there is to choose from: each state with its words."""
    return [(str(state), said(one.words)) for state, one in STATES[of].items()]
