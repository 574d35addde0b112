"""Owns the port to payment providers: what is asked of them, and what they may answer. Knows no store.

A payment is one attempt to charge an order. Its id is the idempotency key of everything that is asked about
it, so that asking again is always harmless: a provider does each thing once for each id.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Protocol
from uuid import UUID

from models.errors import FlashSaleError, Unavailable


class ProviderUnavailable(Unavailable):
    """The provider gave no answer, so that it is unknown what it did; asking again tells."""


class BadSignature(FlashSaleError):
    """A webhook that the provider did not sign, not for us, not now (300 s), or that cannot be read."""


class State(StrEnum):
    """What became of a charge or a refund. All but `PENDING` are final and are never taken back."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"


class Step(StrEnum):
    """What the shopper does with a client secret, so that his payment goes on."""

    CONFIRM = "confirm"  # enter how to pay, and confirm
    AUTHENTICATE = "authenticate"  # answer his bank


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
    """The giving back of a whole charge.

    `ref` is the provider's own name for it, once that is known; None too where it is asked for anew after
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
    """What was really charged, in the currency's minor unit; a provider may count in smaller ones."""

    amount_minor: Fraction
    currency: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a provider says of a charge or a refund.

    `code` says why it was declined, in one snake_case word. `client_secret` is there where the shopper
    has to do something in his browser before a pending charge can go on. `charged` is there where a charge
    succeeded, and is compared by the shop with what it asked for.
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
        """The word by which rows and the webhook's path name it."""

    def accepts(self, method: str) -> bool:
        """Say whether this looks like a method of this provider; asks nobody."""

    def next_step(self, method: str) -> Step | None:
        """Name what the shopper does with the client secret of a charge by this method; asks nobody."""

    def charge(self, charge: Charge) -> Outcome:
        """Begin the charge, or learn what became of it.

        Raises:
            ProviderUnavailable: no answer.
        """

    def cancel(self, charge: Charge) -> Outcome:
        """End a charge that is still pending; whatever the answer says of it is what it is.

        `DECLINED`: it is ended and will never succeed. `SUCCEEDED`: too late. `PENDING`: it cannot be ended.

        Raises:
            ProviderUnavailable: no answer.
        """

    def refund(self, refund: Refund) -> Outcome:
        """Give a charge back, or learn what became of that.

        Raises:
            ProviderUnavailable: no answer.
        """

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> Event:
        """Verify and read a webhook, from its raw body; asks nobody. Headers' names are in any case.

        Raises:
            BadSignature: it is not the provider's, or not of these 300 seconds.
        """
