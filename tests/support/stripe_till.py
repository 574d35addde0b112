"""Payments by Stripe under test: the shop's own steps by hand, over a fake reached by HTTP."""

from dataclasses import dataclass, replace
from uuid import UUID

from models.messages import Message
from models.tables.orders import Order
from models.tables.payments import Payment
from tasks.context import Context
from tasks.payments.order_updates import tell_order
from tasks.payments.webhooks import take_webhook
from tasks.providers.registry import Providers
from tests.support.fake_stripe import FakeStripe
from tests.support.fake_stripe.answers import Object
from tests.support.fake_stripe.webhooks import HEADER, pack, sign
from tests.support.paying import ScriptedProvider, Till
from tests.support.stripe_play import WEBHOOK_SECRET, with_stripe


@dataclass(frozen=True, slots=True)
class StripeTill(Till):
    """Pays and refunds in a context whose provider is Stripe."""

    fake: FakeStripe

    @classmethod
    def at(cls, context: Context, fake: FakeStripe) -> "StripeTill":
        """Let the fake charge in a context."""
        settings = with_stripe(context.settings, fake)
        made = replace(context, settings=settings, providers=Providers(settings, context.database))
        return cls(made, ScriptedProvider(), fake)

    def pay(self, order: Order, method: str = "pm_card_ok") -> UUID:
        """Begin a payment and drive it."""
        payment_id = self.begin(order, method=method)
        self.drive(payment_id)
        return payment_id

    def told(self, order: Order) -> Message:
        """What the owner is told of an order, by socket and in answers."""
        return tell_order(self.context, order.id, is_news=False)

    def payment(self, payment_id: UUID) -> Payment:
        """Read a payment."""
        with self.context.database.transaction() as session:
            return session.get_one(Payment, payment_id)

    def ref(self, payment_id: UUID) -> str:
        """Stripe's name of a payment."""
        return self.payment(payment_id).ref or ""

    def take(self, event: Object) -> bool:
        """Take a webhook; returns whether it was the first time."""
        body = pack(event)
        headers = {HEADER: sign(WEBHOOK_SECRET, body)}
        return take_webhook(self.context, "stripe", body, headers)

    def take_last(self, kind: str) -> bool:
        """Take the newest webhook of a kind."""
        return self.take(next(one for one in reversed(self.fake.books.events) if one["type"] == kind))

    def keeps_silent(self, fault: str = "limited") -> None:
        """Let nothing be answered from now on."""
        self.fake.faults.chance = lambda _: fault

    def speaks(self) -> None:
        """Let everything be answered again."""
        self.fake.faults.chance = lambda _: ""
