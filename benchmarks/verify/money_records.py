"""What is told and kept of the money of orders: the shop's side and the provider's, as plain records."""

from dataclasses import dataclass
from typing import Any, Final

CHARGED: Final = frozenset({"succeeded", "refunded", "late"})  # the provider took the money
UNDECIDED: Final = frozenset({"pending", "abandoned", "late"})  # something is still to come


@dataclass(frozen=True, slots=True)
class StoredPayment:
    """One attempt to charge an order, as the shop tells it."""

    id: str
    status: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class StoredRefund:
    """Money of an order that goes back, as the shop tells it."""

    status: str
    cause: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What the shop tells of one order's money: all attempts to charge it, and all that goes back."""

    payments: tuple[StoredPayment, ...] = ()
    refunds: tuple[StoredRefund, ...] = ()

    @classmethod
    def of(cls, said: dict[str, Any]) -> "Statement":
        """Read the answer of `GET /orders/{id}/payments`."""
        return cls(
            tuple(
                StoredPayment(one["id"], one["status"], one["amount"]["amount_minor"])
                for one in said["payments"]
            ),
            tuple(
                StoredRefund(one["status"], one["cause"], one["amount"]["amount_minor"])
                for one in said["refunds"]
            ),
        )

    @property
    def charged_minor(self) -> int:
        """What was taken, in minor units."""
        return sum(one.amount_minor for one in self.payments if one.status in CHARGED)

    @property
    def refunded_minor(self) -> int:
        """What went back, in minor units."""
        return sum(one.amount_minor for one in self.refunds if one.status == "succeeded")

    @property
    def kept(self) -> int:
        """How many charges are kept."""
        return sum(one.status == "succeeded" for one in self.payments)

    @property
    def is_settled(self) -> bool:
        """Nothing is still to come."""
        return all(one.status not in UNDECIDED for one in self.payments) and all(
            one.status != "pending" for one in self.refunds
        )


@dataclass(frozen=True, slots=True)
class BookedCharge:
    """A charge in the provider's own books."""

    payment_id: str
    order_id: str
    state: str
    amount_minor: int
    refunded_minor: int

    @property
    def charged_minor(self) -> int:
        """What was taken, in minor units."""
        return self.amount_minor if self.state == "succeeded" else 0

    @property
    def is_kept(self) -> bool:
        """The money was taken and did not go back."""
        return self.charged_minor > self.refunded_minor
