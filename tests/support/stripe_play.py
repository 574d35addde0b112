"""The Stripe adapter under test, over a fake reached by HTTP, and its webhooks."""

import uuid
from dataclasses import replace
from typing import Any, Final

from config import Settings, StripeSettings
from tasks.providers.port import Charge, Event, Outcome, ProviderUnavailable, Refund
from tasks.providers.stripe import StripeProvider
from tests.support.fake_stripe import FakeStripe, Fault
from tests.support.fake_stripe.answers import Object
from tests.support.fake_stripe.server import SECRET_KEY
from tests.support.fake_stripe.webhooks import HEADER, pack, sign

WEBHOOK_SECRET: Final = "whsec_of_tests"
OLD_SECRET: Final = "whsec_of_yesterday"
CREATE: Final = "POST /v1/payment_intents"
CONFIRM: Final = "POST /v1/payment_intents/*/confirm"
CANCEL: Final = "POST /v1/payment_intents/*/cancel"
RETRIEVE: Final = "GET /v1/payment_intents/*"
SEARCH: Final = "GET /v1/payment_intents/search"
REFUND: Final = "POST /v1/refunds"


def stripe_settings(fake: FakeStripe) -> StripeSettings:
    """Name the fake as Stripe."""
    return StripeSettings(
        secret_key=SECRET_KEY,
        publishable_key="pk_test_fake",
        webhook_secrets=(WEBHOOK_SECRET, OLD_SECRET),
        api_url=fake.url,
        js_url=f"{fake.url}/v3/",
    )


def with_stripe(settings: Settings, fake: FakeStripe) -> Settings:
    """Let the fake be the one that charges."""
    payments = replace(settings.payments, provider="stripe", stripe=stripe_settings(fake))
    return replace(settings, payments=payments)


class StripePlay:
    """The adapter, and helpers that call it."""

    def __init__(self, fake: FakeStripe) -> None:
        self.fake = fake
        self.provider = StripeProvider(stripe_settings(fake))

    def new_charge(self, method: str = "pm_card_ok", **changes: Any) -> Charge:
        """A charge that nobody has asked for yet."""
        return replace(Charge(uuid.uuid4(), uuid.uuid4(), 1999, "USD", method, None), **changes)

    def ask(self, charge: Charge) -> Outcome | None:
        """Ask for a charge; None where no answer comes."""
        try:
            return self.provider.charge(charge)
        except ProviderUnavailable:
            return None

    def end(self, charge: Charge) -> Outcome | None:
        """Have a charge ended; None where no answer comes."""
        try:
            return self.provider.cancel(charge)
        except ProviderUnavailable:
            return None

    def charged(self, method: str = "pm_card_ok") -> Charge:
        """A charge that was asked for, with Stripe's name for it."""
        charge = self.new_charge(method)
        return replace(charge, ref=self.provider.charge(charge).ref)

    def refund_of(self, charge: Charge, **changes: Any) -> Refund:
        """A refund that nobody has asked for yet."""
        ref = charge.ref or ""
        refund = Refund(uuid.uuid4(), charge.payment_id, ref, charge.amount_minor, charge.currency)
        return replace(refund, **changes)

    def goes_wrong(self, *faults: str, at: str) -> None:
        """Let things go wrong at the next requests of a kind."""
        self.fake.faults.planned += [Fault(kind, at) for kind in faults]

    def intents_of(self, charge: Charge) -> list[Object]:
        """What the fake's books have under a payment's id."""
        intents = self.fake.books.shown().values()
        return [one for one in intents if one["metadata"].get("payment_id") == str(charge.payment_id)]

    def hear(self, *, secret: str = WEBHOOK_SECRET) -> list[Event]:
        """Read every event that there was, as the shop would, oldest first."""
        return [self.read(event, secret=secret) for event in self.fake.books.events]

    def read(self, event: Any, *, secret: str = WEBHOOK_SECRET, at: float | None = None) -> Event:
        """Read one event."""
        body = pack(event)
        return self.provider.read_event(body, {HEADER: sign(secret, body, at)})
