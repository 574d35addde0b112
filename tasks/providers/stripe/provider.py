"""Stripe as a payment provider: the interface of `port.py`. Loads Stripe's library on first use."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final

from config import StripeSettings
from tasks.providers.port import BadSignature, Charge, Event, Outcome, Refund, Step
from tasks.providers.stripe import methods
from tasks.providers.stripe.amounts import scale_of
from tasks.providers.stripe.events import read_payload

if TYPE_CHECKING:
    from stripe import StripeClient

    from tasks.providers.stripe.payment_intents import Intents
    from tasks.providers.stripe.refunds import Refunds

HEADER: Final = "stripe-signature"


class StripeProvider:
    """Charges by PaymentIntents; nothing is imported or connected before its first use."""

    name: Final = "stripe"

    def __init__(self, settings: StripeSettings) -> None:
        self.settings: Final = settings

    def accepts(self, method: str) -> bool:
        """Whether this is `payment_element`, a PaymentMethod `pm_…` or a ConfirmationToken `ctoken_…`."""
        return methods.accepts(method)

    def next_step(self, method: str) -> Step:
        """Return what the shopper has to do with a client secret."""
        return methods.step_of(method)

    def charge(self, charge: Charge) -> Outcome:
        """Begin the charge, or find out what became of it."""
        return self._intents.charge(charge)

    def cancel(self, charge: Charge) -> Outcome:
        """End a charge that is still pending, also one that never came."""
        return self._intents.cancel(charge)

    def refund(self, refund: Refund) -> Outcome:
        """Refund a charge, whole and once, or find out what became of that."""
        return self._refunds.refund(refund)

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> Event:
        """Verify and read a webhook."""
        from tasks.providers.stripe.signature import verify

        signatures = [value for name, value in headers.items() if name.lower() == HEADER]
        if len(signatures) != 1:
            raise BadSignature("There is not one Stripe-Signature.")
        verify(self.settings.webhook_secrets, signatures[0], body)
        return read_payload(body)

    def scale(self, currency: str) -> float:
        """Return the factor from our amounts to Stripe's, for the browser."""
        return float(scale_of(currency))

    def load(self) -> None:
        """Load the library now, in a process whose first webhook should not wait for it."""
        import tasks.providers.stripe.signature  # noqa: F401

    @cached_property
    def _client(self) -> "StripeClient":
        from tasks.providers.stripe.client import connect

        return connect(self.settings)

    @cached_property
    def _intents(self) -> "Intents":
        from tasks.providers.stripe.payment_intents import Intents

        return Intents(self._client)

    @cached_property
    def _refunds(self) -> "Refunds":
        from tasks.providers.stripe.refunds import Refunds

        return Refunds(self._client)
