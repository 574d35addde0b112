"""The records that a rush leaves behind: what clients were told, and what the shop stores."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from benchmarks.rush.manners import Manner
from benchmarks.verify.money_records import BookedCharge, Statement

FINAL: Final = frozenset({"held", "sold_out", "rejected", "left"})
REFUSED: Final = frozenset({"sold_out", "rejected"})
GIVEN_BACK: Final = frozenset({"expired", "cancelled", "refunded"})  # orders whose units went home
ORDER_DONE: Final = frozenset({"paid", "refunded", "expired", "cancelled"})


@dataclass(frozen=True, slots=True)
class Told:
    """What one shopper did and was told. Times are `time.monotonic_ns` of the machine."""

    shopper_id: str
    quantity: int
    sent_ns: int | None = None  # the first byte of the first try; None: never got that far
    answered_ns: int | None = None
    answer: int | None = None  # HTTP status of the last answer to the submission
    refusal: str | None = None  # the problem's `code`, when the answer was no 202
    intent_ids: tuple[str, ...] = ()  # every intent this shopper was told to own; one, if all is well
    tickets: tuple[int, ...] = ()  # every ticket told for it; one, if all is well
    decided_ns: int | None = None  # the first of standby and the final verdict
    final_ns: int | None = None
    verdicts: tuple[str, ...] = ()  # every different final verdict told; one, if all is well
    heard_by: str | None = None  # socket, poll or answer: what brought the final verdict
    order_ids: tuple[str, ...] = ()
    order_status: str | None = None
    payment_answer: int | None = None
    resubmits: int = 0
    throttled: int = 0
    reconnects: int = 0
    manner: Manner = Manner.PAYS
    statement: Statement | None = None  # of the order's money; nothing where the shop does not tell it

    @property
    def is_accepted(self) -> bool:
        """The shop promised a verdict."""
        return self.answer == 202

    @property
    def ticket(self) -> int | None:
        """The place in the line, as first told."""
        return self.tickets[0] if self.tickets else None

    @property
    def verdict(self) -> str | None:
        """The final verdict as first told."""
        return self.verdicts[0] if self.verdicts else None

    @property
    def must_end(self) -> bool:
        """The order was paid for, was lost before it was, or was left to expire: it cannot stay as it is."""
        is_left = self.manner == Manner.LETS_EXPIRE and bool(self.order_ids)
        return self.payment_answer in {202, 409} or is_left


@dataclass(frozen=True, slots=True)
class StoredIntent:
    """An intent as the admin's list shows it."""

    id: str
    ticket: int | None
    quantity: int
    status: str
    order_id: str | None
    accepts_fewer: bool = False

    def is_met_by(self, order: "StoredOrder") -> bool:
        """The order is the one that it knows of, over what was asked for."""
        is_enough = order.quantity == self.quantity or (
            self.accepts_fewer and 1 <= order.quantity < self.quantity
        )
        return is_enough and self.order_id == order.id


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order as the admin's list shows it."""

    id: str
    intent_id: str
    quantity: int
    status: str
    total_minor: int = 0
    receipt: str | None = None  # its number, e.g. 2026-000017


@dataclass(frozen=True, slots=True)
class StoredSale:
    """The sale's own figures."""

    allocation: int
    available: int
    held: int
    sold: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise, with the row that shows it."""

    check: str
    detail: str
    row: str


def by_check(checks: Iterable[str], findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Sort findings: every check is there, with nothing where all is well."""
    found: dict[str, list[Finding]] = {check: [] for check in checks}
    for one in findings:
        found[one.check].append(one)
    return found


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a verdict about the shop rests on."""

    units: int
    told: tuple[Told, ...]
    intents: tuple[StoredIntent, ...]
    orders: tuple[StoredOrder, ...]
    sale: StoredSale
    audit: object = None  # the body of `GET /sales/{id}/audit`, or nothing where it is not offered
    tells_receipts: bool = False  # the shop's orders bear the numbers of their receipts
    receipts_elsewhere: frozenset[str] = frozenset()  # of other sales, where this one's leave numbers out
    books: tuple[BookedCharge, ...] | None = None  # the provider's, where they can be read
