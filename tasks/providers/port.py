"""The interface of payment providers: what is asked of them, and what they may answer. Uses no store.

A payment is one attempt to charge an order. Its id is the idempotency key of every request about it, so that
asking again is always harmless: a provider does each thing once for each id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Protocol, runtime_checkable
from uuid import UUID

from models.errors import FlashSaleError, IdempotencyKeyReused, Unavailable


class ProviderUnavailable(Unavailable):
    """The provider gave no answer, so it is unknown what it did; asking again tells."""


class BadSignature(FlashSaleError):
    """A webhook that the provider did not sign, not for us, not now (300 s), or that cannot be read."""


class State(StrEnum):
    """What became of a charge or a refund. All but `PENDING` are final and are never taken back."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"


class Step(StrEnum):
    """What the shopper does with a client secret, so that their payment goes on."""

    CONFIRM = "confirm"  # enter how to pay, and confirm
    AUTHENTICATE = "authenticate"  # answer the shopper's bank


@dataclass(frozen=True, slots=True)
class Charge:
    """One attempt to charge an order; `ref` is the provider's own name for it, once that is known."""

    payment_id: UUID
    order_id: UUID
    amount_minor: int
    currency: str
    method: str
    ref: str | None


@dataclass(frozen=True, slots=True)
class Refund:
    """The refund of a whole charge.

    `ref` is the provider's own name for it, once that is known; None also if it is requested again after
    it failed.
    """

    refund_id: UUID
    payment_id: UUID
    charge_ref: str
    amount_minor: int
    currency: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Charged:
    """What was really charged, in the currency's minor unit; may be a fraction of it."""

    amount_minor: Fraction
    currency: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A provider's answer about a charge or a refund.

    `code` says why it was declined, in one snake_case word. `client_secret` is there where the shopper
    has to do something in the browser before a pending charge can go on. `charged` is there where a charge
    succeeded, and is compared with what was requested.
    """

    state: State
    ref: str | None = None
    code: str | None = None
    client_secret: str | None = None
    charged: Charged | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Event:
    """A verified webhook. `kind` is the provider's word for it.

    One of `payment_id` and `refund_id` is set where it says what became of a charge or a refund of ours,
    and `outcome` then tells: `PENDING` is that something moved, which is to be asked about. Without an
    `outcome` there is nothing to do. `alarm` is one word for what people have to look at where the charge
    is ours, which is named by its id or by the provider's `charge_ref`.
    """

    event_id: str
    kind: str
    payment_id: UUID | None = None
    refund_id: UUID | None = None
    outcome: Outcome | None = None
    charge_ref: str | None = None
    alarm: str | None = None


class Provider(Protocol):
    """A payment provider. Every method may be called again, and from several threads at once."""

    @property
    def name(self) -> str:
        """The name in rows and in the webhook's path."""

    def accepts(self, method: str) -> bool:
        """Return whether this looks like a method of this provider; makes no request."""

    def next_step(self, method: str) -> Step | None:
        """Return what the shopper does with the client secret of such a charge; makes no request."""

    def charge(self, charge: Charge) -> Outcome:
        """Begin the charge, or find out what became of it.

        Raises:
            ProviderUnavailable: no answer.
        """

    def cancel(self, charge: Charge) -> Outcome:
        """End a charge that is still pending; the answer is its state.

        `DECLINED`: it is ended and will never succeed. `SUCCEEDED`: too late. `PENDING`: it cannot be ended.

        Raises:
            ProviderUnavailable: no answer.
        """

    def refund(self, refund: Refund) -> Outcome:
        """Refund a charge, or find out what became of that.

        Raises:
            ProviderUnavailable: no answer.
        """

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> Event:
        """Verify and read a webhook, from its raw body; makes no request. Headers' names are in any case.

        Raises:
            BadSignature: it is not the provider's, or not of these 300 seconds.
        """


@runtime_checkable
class ChargesTogether(Protocol):
    """What a provider may also have: one question about several charges. Who has not is asked one by one."""

    def charge_all(
        self, charges: Sequence[Charge]
    ) -> Sequence[Outcome | ProviderUnavailable | IdempotencyKeyReused]:
        """Do what `charge` does for each; returns what that returns or raises, in the same order."""
