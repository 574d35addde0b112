"""Payments under test: a scripted provider, and the worker's steps by hand."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

import orjson
from sqlalchemy import select, update

from models.messages import Message, stored_order
from models.queries.orders import find_order
from models.tables.orders import Order
from models.tables.payments import Payment, Refund
from tasks.context import Context
from tasks.payments.begin import begin_payment
from tasks.payments.drive import run_payment
from tasks.payments.outcomes import follow, note_charge
from tasks.payments.refunds import run_refund
from tasks.providers import port
from tasks.providers.port import Charge, Event, Outcome, ProviderUnavailable, State
from tasks.providers.registry import Providers

Said = Outcome | ProviderUnavailable
OK = Outcome(State.SUCCEEDED)
WAIT = Outcome(State.PENDING)
NO = Outcome(State.DECLINED, code="card_declined")
SILENCE = ProviderUnavailable("no answer")


@dataclass
class ScriptedProvider:
    """Gives the scripted outcomes in turn, then the last one again; `meanwhile` runs before each."""

    charges: deque[Said] = field(default_factory=lambda: deque([OK]))
    cancels: deque[Said] = field(
        default_factory=lambda: deque([Outcome(State.DECLINED, code="payment_timeout")])
    )
    refunds: deque[Said] = field(default_factory=lambda: deque([OK]))
    meanwhile: Callable[[], object] = lambda: None
    asked: list[str] = field(default_factory=list)
    name: str = "sandbox"

    def accepts(self, method: str) -> bool:
        return method.startswith("sandbox_")

    def next_step(self, method: str) -> port.Step | None:  # noqa: ARG002 - whatever it is
        return port.Step.AUTHENTICATE

    def charge(self, charge: Charge) -> Outcome:
        return self._say("charge", self.charges, str(charge.payment_id))

    def cancel(self, charge: Charge) -> Outcome:
        return self._say("cancel", self.cancels, str(charge.payment_id))

    def refund(self, refund: port.Refund) -> Outcome:
        return self._say("refund", self.refunds, str(refund.refund_id))

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> Event:  # noqa: ARG002 - unsigned
        """Events come unsigned: `{id, payment_id | refund_id, state, code}`."""
        said = orjson.loads(body)
        payment, refund = said.get("payment_id"), said.get("refund_id")
        outcome = Outcome(State(said["state"]), f"ref-{payment or refund}", said.get("code"))
        return Event(
            said["id"],
            f"test.{said['state']}",
            UUID(payment) if payment else None,
            UUID(refund) if refund else None,
            outcome,
        )

    def _say(self, what: str, words: deque[Said], subject: str) -> Outcome:
        self.asked.append(what)
        said = words.popleft() if len(words) > 1 else words[0]
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        if isinstance(said, ProviderUnavailable):
            raise said
        return replace(said, ref=said.ref or f"ref-{subject}")


class Scripted(Providers):
    """One scripted provider under the sandbox's name."""

    def __init__(self, provider: ScriptedProvider) -> None:
        self._by_name = {provider.name: provider}
        self.current = provider


@dataclass(frozen=True, slots=True)
class Till:
    """Pays and refunds in a context, step by step."""

    context: Context
    provider: ScriptedProvider

    @classmethod
    def over(cls, context: Context, provider: ScriptedProvider | None = None) -> "Till":
        """Put a scripted provider into a context."""
        said = provider or ScriptedProvider()
        return cls(replace(context, providers=Scripted(said)), said)

    def begin(self, order: Order, *, method: str = "sandbox_ok", key: str = "") -> UUID:
        """Begin a payment; returns its id."""
        begin_payment(self.context, order.user_id, order.id, method=method, key=key)
        return self.payments(order)[-1].id

    def pay(self, order: Order) -> UUID:
        """Begin a payment and drive it."""
        payment_id = self.begin(order)
        self.drive(payment_id)
        return payment_id

    def drive(self, payment_id: UUID) -> None:
        """Do what a worker does when it is rung for a payment."""
        run_payment(self.context, payment_id)

    def drive_refunds(self) -> None:
        """Do what workers do about refunds that are pending."""
        for refund in self.refunds():
            if refund.status == "pending":
                run_refund(self.context, refund.id)

    def hear(self, payment_id: UUID, outcome: Outcome) -> None:
        """Let the provider's word on a charge come from elsewhere."""
        with self.context.database.transaction() as session:
            noted = note_charge(session, payment_id, outcome)
        follow(self.context, [noted])

    def order(self, order: Order) -> Message:
        """Read an order as the API tells it."""
        with self.context.database.transaction() as session:
            found = find_order(session, order.id)
            assert found is not None
            return stored_order(found, found.history)

    def story(self, order: Order) -> list[tuple[str, str | None]]:
        """Read an order's history."""
        return [(one["status"], one["reason"]) for one in self.order(order)["history"]]

    def payments(self, order: Order) -> list[Payment]:
        """List an order's payments, oldest first."""
        query = select(Payment).where(Payment.order_id == order.id).order_by(Payment.created_at, Payment.id)
        with self.context.database.transaction() as session:
            return list(session.scalars(query))

    def refunds(self) -> list[Refund]:
        """List all refunds."""
        with self.context.database.transaction() as session:
            return list(session.scalars(select(Refund).order_by(Refund.created_at)))

    def lose_patience(self, payment_id: UUID, *, pin: bool = False) -> None:
        """Let a payment's patience be over, and with `pin` the hold's pin too."""
        past = {"patience_until": Payment.created_at} | ({"pinned_until": Payment.created_at} if pin else {})
        with self.context.database.transaction() as session:
            session.execute(update(Payment).where(Payment.id == payment_id).values(**past))

    def end_hold(self, order: Order) -> None:
        """Let an order's deadline have passed."""
        with self.context.database.transaction() as session:
            session.execute(update(Order).where(Order.id == order.id).values(expires_at=Order.created_at))
