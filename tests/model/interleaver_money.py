"""The interleaver with payments: logical workers of money among those of the line.

They run the platform's own functions and halt before each access to a store. There the scheduler lets others
go first, kills them, loses their messages, or has the live state rebuilt under them.
"""

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from uuid import UUID

from models.errors import AlreadyPaid, NotRefundable, OrderNotHeld, PaymentInProgress, Unavailable
from models.ids import order_id_of
from tasks.orders.holds import cancel_order, expire_due, release_pending
from tasks.payments.begin import begin_payment
from tasks.payments.drive import run_payment
from tasks.payments.refunds import request_refund, run_refund
from tasks.payments.webhooks import take_webhook
from tasks.providers.port import State
from tasks.sales.rebuilding.rebuild import rebuild_sale
from tests.model.interleaver import Event, Interleaver
from tests.model.overhearing import (
    METHODS,
    NOT_TO_BE_ENDED,
    Webhook,
    change_its_mind,
    settle_charges,
    written_webhooks,
)
from tests.model.stage import Stage
from tests.model.stepping import Worker

STEPS: Final = 50
ROUNDS: Final = 50
MOST_AT_ONCE: Final = 5
# Most charges are such as may come late, and most webhooks such as come again.
CARDS: Final = (*METHODS, *["sandbox_slow:3600"] * 4, *["sandbox_late_webhook:3600"] * 3)
LOST: Final = tuple(
    (what, verb) for what in ("request", "reply") for verb in ("sell", "release", "hold_again")
)
REFUSALS: Final = (AlreadyPaid, NotRefundable, OrderNotHeld, PaymentInProgress)


class MoneyInterleaver(Interleaver):
    """A line with a till."""

    length = STEPS

    def __init__(self, stage: Stage, people: tuple[str, ...], seed: int, units: int) -> None:
        super().__init__(stage, people, seed, units)
        self.errands: list[Worker] = []

    def steps(self) -> list[Callable[[], None]]:
        """List what may happen next, as often as it is to be likely."""
        return [
            *[self.submit] * 2,
            *[self.go_on] * 6,
            self.kill,
            self.lease_runs_out,
            self.leave,
            self.adjust,
            self.end_hold,
            *[self.release] * 2,
            *[self.pay] * 6,
            *[self.drive] * 8,
            *[self.hear] * 4,
            *[self.ask_back] * 3,
            *[self.cancel, self.lose, self.rebuild],
            *[self.give_back] * 3,
            *[self.settle_some] * 4,
            *[self.fall_silent] * 4,
            *[self.go_on_with_money] * 20,
            *[self.kill_an_errand] * 2,
        ]

    def begin_the_day(self) -> None:
        """The first come hold something before anything goes wrong, so that there is something to pay."""
        super().begin_the_day()
        while next(self.workers[0]) != "idle":
            pass

    def begin(self, work: Callable[[], object]) -> None:
        """Send somebody off, who takes the first step at once; who is one too many is finished first."""
        while len(self.errands) >= MOST_AT_ONCE:
            self.go_on_with_money()
        self.errands.append(Worker(partial(quietly, work)))
        self.errands[-1].go_on()

    def go_on_with_money(self) -> None:
        """Let one of them take some steps; the others stall meanwhile."""
        if not self.errands:
            return
        errand = self.random.choice(self.errands)
        for _ in range(self.random.choice((1, 2, 4, 12))):
            if not errand.is_over:
                errand.go_on()
        if errand.is_over:
            self.errands.remove(errand)

    def kill_an_errand(self) -> None:
        """One of them dies where it stands."""
        if self.errands:
            self.errands.pop(self.random.randrange(len(self.errands))).kill()

    def lose(self) -> None:
        """The next message of some verb is lost, or the answer to it."""
        self.stage.live.lose(*self.random.choice(LOST))

    def pay(self) -> None:
        """A shopper pays an order of their own, or another's."""
        orders = self.orders()
        held = sorted(one for one, order in orders.items() if order[3] == "held")
        if not orders:
            return
        intent_id = self.random.choice(held or sorted(orders))
        user, method = UUID(orders[intent_id][0]), self.random.choice(CARDS)
        order_id = UUID(order_id_of(intent_id))
        self.begin(partial(begin_payment, self.stage.context, user, order_id, method=method))

    def cancel(self) -> None:
        """A shopper cancels their hold."""
        if orders := self.orders():
            intent_id = self.random.choice(sorted(orders))
            user, order_id = UUID(orders[intent_id][0]), UUID(order_id_of(intent_id))
            self.begin(partial(cancel_order, self.stage.context, user, order_id))

    def drive(self) -> None:
        """A worker is rung for a payment, perhaps one that others are rung for too."""
        if due := [one for one, row in self.payments() if row[6]]:
            self.begin(partial(run_payment, self.stage.context, UUID(self.random.choice(due))))

    def hear(self) -> None:
        """The shop gets a webhook, perhaps not for the first time."""
        if written := self.webhooks():
            self.begin(partial(self.get_webhook, self.random.choice(written)))

    def get_webhook(self, webhook: Webhook) -> None:
        """Get a webhook; what it says of the future has come true by then."""
        body, headers = webhook.signed(self.stage.context.settings)
        if webhook.outcome.state != State.PENDING:
            settle_charges(self.stage.context.database, webhook.payment_id)
        take_webhook(self.stage.context, "sandbox", body, headers)

    def ask_back(self) -> None:
        """An admin has somebody's money go back."""
        if paid := sorted(one for one, order in self.orders().items() if order[3] == "paid"):
            order_id = UUID(order_id_of(self.random.choice(paid)))
            self.begin(partial(request_refund, self.stage.context, order_id, by=None))

    def give_back(self) -> None:
        """A worker is rung for a refund."""
        if refunds := self.refunds():
            self.begin(partial(run_refund, self.stage.context, self.random.choice(refunds)))

    def end_hold(self) -> None:
        """A deadline passes, perhaps that of somebody who is paying, and a worker notices."""
        if going := sorted(one for one, order in self.orders().items() if order[3] in ("held", "paying")):
            self.stage.end_deadline([self.random.choice(going)])
            expire_due(self.stage.context)

    def release(self) -> None:
        """A worker has the live side follow."""
        self.begin(partial(release_pending, self.stage.context))

    def settle_some(self) -> None:
        """A charge settles, or a bank that declined it charges after all."""
        if payments := self.payments():
            payment_id = self.random.choice(payments)[0]
            act = self.random.choice((settle_charges, settle_charges, change_its_mind))
            act(self.stage.context.database, payment_id)

    def fall_silent(self) -> None:
        """The provider has a charge, but keeps silent until its pin and its hold have ended."""
        lasting = [(one, row) for one, row in self.payments() if row[6] and row[1] in NOT_TO_BE_ENDED]
        if lasting:
            payment_id, row = self.random.choice(lasting)
            run_payment(self.stage.context, UUID(payment_id))
            self.stage.end_patience(payment_id, is_unpinned=True)
            self.stage.end_deadline([row[0]])
            run_payment(self.stage.context, UUID(payment_id))
            expire_due(self.stage.context)

    def rebuild(self) -> None:
        """The live state is rebuilt, while nobody is undecided; workers go on under the old epoch."""
        live = self.stage.read_live()
        if live["line"] or live["claims"]:
            return
        rebuild_sale(self.stage.context, self.stage.sale_id)  # its transaction calls Redis: not to be divided
        self.stage.context.sale_cache.forget(self.stage.sale_id)
        laid = self.stage.read_live()
        self.history.events.append(Event("rebuilt", held=tuple(laid["holds"]), sold=tuple(laid["sales"])))

    def payments(self) -> list[tuple[str, list[Any]]]:
        """List the sale's payments in the order in which they began, which a seed repeats."""
        rows: dict[str, list[Any]] = self.stage.read_ledger()["payments"]
        return list(rows.items())

    def refunds(self) -> list[UUID]:
        """List the sale's refunds, in the order of their payments."""
        known: dict[str, list[Any]] = self.stage.read_ledger()["refunds"]
        return [self.stage.refund_id(one) for one, _ in self.payments() if one in known]

    def webhooks(self) -> list[Webhook]:
        """List the webhooks that the sandbox wrote for this sale."""
        own = {one for one, _ in self.payments()}
        written = written_webhooks(self.stage.context.database)
        return [one for one in written if one.payment_id in own]

    def rest(self) -> None:
        """All running workers die; from what is stored, everything is finished."""
        self.stop()
        self.stage.live.scripts.losing.clear()
        for _ in range(ROUNDS):
            if not self.bring_money_home():
                break
        super().rest()

    def stop(self) -> None:
        """Leave nobody behind."""
        while self.errands:
            self.errands.pop().kill()

    def bring_money_home(self) -> bool:
        """Look after all that a sweep reminds of, and what was not told; says whether there was anything."""
        taken = set(self.stage.read_ledger()["webhooks"])
        news = [one for one in self.webhooks() if one.event_id not in taken]
        payments = [one for one, _ in self.payments()]
        settle_charges(self.stage.context.database, *payments)
        for payment_id in payments:
            self.stage.end_patience(payment_id, is_unpinned=False)
        due = self.stage.ring_for_money()
        for payment_id in payments:
            if payment_id in due:
                run_payment(self.stage.context, UUID(payment_id))
        for refund_id in self.refunds():
            if str(refund_id) in due:
                run_refund(self.stage.context, refund_id)
        for webhook in news:
            self.get_webhook(webhook)
        return bool(due or news or expire_due(self.stage.context) + release_pending(self.stage.context))


def quietly(work: Callable[[], object]) -> None:
    """Do what a process does when it is refused or a store is away: it says so."""
    with contextlib.suppress(*REFUSALS, Unavailable):
        work()
