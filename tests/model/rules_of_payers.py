"""The steps of money: shoppers pay, workers run payments, the sandbox answers, admins refund, time passes."""

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from models.errors import (
    AlreadyPaid,
    IdempotencyKeyReused,
    NotRefundable,
    OrderNotHeld,
    PaymentInProgress,
)
from models.ids import order_id_of
from tasks.payments.begin import begin_payment
from tasks.payments.drive import run_payment
from tasks.payments.refunds import request_refund, run_refund
from tasks.payments.webhooks import take_webhook
from tasks.providers.port import Outcome, State
from tests.model.books import audit_books
from tests.model.overhearing import (
    METHODS,
    NOT_TO_BE_ENDED,
    Webhook,
    change_its_mind,
    settle_charges,
    written_webhooks,
)
from tests.model.play import PICKS, fates, picked
from tests.model.reference_ledger import PaymentRow
from tests.model.reference_money import Stopped, Word
from tests.model.rules_of_workers import Workers

REFUSALS = {
    "key_reused": IdempotencyKeyReused,
    "in_progress": PaymentInProgress,
    "already_paid": AlreadyPaid,
    "not_held": OrderNotHeld,
}
PASSING = ("settled", "settled", "patience", "patience", "pin", "pin", "deadline", "deadline", "other_mind")
FREE = Outcome(State.SUCCEEDED)  # what costs nothing needs no provider
OF_LATE = ("regain_noted", "held_again", "late_decided")
ON_THE_WAY_HOME = ("charge_noted", "ended", "released")


class Payers(Workers):
    """What is done about money."""

    @precondition(lambda self: self.ledger.orders)
    @rule(
        pick=PICKS,
        method=st.sampled_from(METHODS),
        key=st.sampled_from(("", "", "", "p", "q")),
        fate=fates(dying=("payment_begun",)),
    )
    def pay(self, pick: int, method: str, key: str, fate: str) -> None:
        """Somebody pays a hold, or what is none."""
        if held := self.held():
            self.put_down(picked(held, pick), method, key, fate)
        else:
            self.pay_what_is_none(pick, method, key, fate)

    def pay_what_is_none(self, pick: int, method: str, key: str, fate: str) -> None:
        """Somebody pays an order that may be paid, or being paid, or over."""
        self.put_down(picked(sorted(self.ledger.orders), pick), method, key, fate)

    def put_down(self, intent_id: str, method: str, key: str, fate: str) -> None:
        """Begin a payment, or be refused."""
        order = self.ledger.orders[intent_id]
        user, order_id = UUID(order.user), UUID(order_id_of(intent_id))
        begun: list[str] = []

        def begin() -> None:
            try:
                begin_payment(self.stage.context, user, order_id, method=method, key=key)
            finally:
                begun.extend(set(self.stage.read_ledger()["payments"]) - set(self.ledger.payments))

        payment = PaymentRow(intent_id, order.user, method, key, order.total)
        found, code = self.both(
            fate, begin, lambda cashier: cashier.begin("".join(begun), payment), *REFUSALS.values()
        )
        refusal = REFUSALS.get(code) if isinstance(code, str) else None
        expected: type[object] = refusal or type(None)
        assert isinstance(code, Stopped) or type(found) is expected, (found, code)

    @precondition(lambda self: self.ledger.payments)
    @rule(pick=PICKS, fate=fates("hold_again", "sell", dying=("charged", *OF_LATE, *ON_THE_WAY_HOME)))
    def drive(self, pick: int, fate: str) -> None:
        """A worker looks after a payment, or after one about which nothing is left to be done."""
        payment_id = picked(self.ledger.unfinished() or list(self.ledger.payments), pick)
        self.look_after(payment_id, fate)

    def look_after(self, payment_id: str, fate: str = "") -> None:
        """Have a worker do what is to be done about a payment."""
        payment = self.ledger.payments[payment_id]
        asks = payment.status in ("pending", "abandoned") and payment.amount > 0
        verb = "cancel" if payment.is_out_of_patience else "charge"
        said = self.stage.sandbox.said
        said.clear()
        self.both(
            fate,
            lambda: run_payment(self.stage.context, UUID(payment_id)),
            lambda cashier: cashier.drive(payment_id, _word(said[0][1] if said else FREE)),
        )
        assert [what for what, _ in said] == [verb] * asks

    @precondition(lambda self: self.ledger.payments)
    @rule(pick=PICKS, fate=fates("sell", "release", dying=("webhook_noted", *ON_THE_WAY_HOME)))
    def hear(self, pick: int, fate: str) -> None:
        """The shop gets a webhook: the newest, an old one, or one that it had before."""
        if written := written_webhooks(self.stage.context.database):
            news = self._untaken() if pick % 2 else []
            self.take(picked(news or written, pick // 2), fate)

    def take(self, webhook: Webhook, fate: str = "") -> None:
        """Have the shop get a webhook; what it says of the future has come true by then."""
        context, outcome = self.stage.context, webhook.outcome
        if outcome.state != State.PENDING:
            settle_charges(context.database, webhook.payment_id)
        body, headers = webhook.signed(context.settings)
        found, was_first = self.both(
            fate,
            lambda: take_webhook(context, "sandbox", body, headers),
            lambda cashier: cashier.hear(
                webhook.event_id, webhook.payment_id, _word(outcome), is_refund=webhook.is_refund
            ),
        )
        assert isinstance(was_first, Stopped) or found is was_first, (found, was_first)

    @precondition(lambda self: self.ledger.in_status("paid", "refunded"))
    @rule(pick=PICKS, fate=fates(dying=("refund_asked",)))
    def ask_back(self, pick: int, fate: str) -> None:
        """An admin has somebody's money go back, or tries to."""
        intent_id = picked(self.ledger.in_status("paid", "refunded"), pick)
        found, can_be = self.both(
            fate,
            lambda: request_refund(self.stage.context, UUID(order_id_of(intent_id)), by=None),
            lambda cashier: cashier.ask_back(intent_id, "admin"),
            NotRefundable,
        )
        assert isinstance(can_be, Stopped) or isinstance(found, NotRefundable) is not can_be, (found, can_be)

    @precondition(lambda self: self.ledger.refunds)
    @rule(pick=PICKS, fate=fates("release", dying=("refunded", *ON_THE_WAY_HOME)))
    def give_back(self, pick: int, fate: str) -> None:
        """A worker looks after a refund, or after one that is done."""
        self.look_after_refund(picked(self.pending_refunds() or list(self.ledger.refunds), pick), fate)

    def pending_refunds(self) -> list[str]:
        """List the payments whose refunds are under way."""
        return [one for one, refund in self.ledger.refunds.items() if refund.status == "pending"]

    def look_after_refund(self, payment_id: str, fate: str = "") -> None:
        """Have a worker do what is to be done about the refund of a payment."""
        refund_id = self.stage.refund_id(payment_id)
        asks = self.ledger.refunds[payment_id].status == "pending"
        asks = asks and self.ledger.payments[payment_id].amount > 0
        said = self.stage.sandbox.said
        said.clear()
        self.both(
            fate,
            lambda: run_refund(self.stage.context, refund_id),
            lambda cashier: cashier.give_back(payment_id, _word(said[0][1] if said else FREE)),
        )
        assert [what for what, _ in said] == ["refund"] * asks

    @precondition(lambda self: self.ledger.payments)
    @rule(what=st.sampled_from(PASSING), pick=PICKS)
    def time_passes(self, what: str, pick: int) -> None:
        """A charge settles, or patience, pin or deadline end; or a bank that declined charges after all."""
        payment_id = picked(self.ledger.unfinished() or list(self.ledger.payments), pick)
        if what == "settled":
            settle_charges(self.stage.context.database, payment_id)
        elif what == "other_mind":
            change_its_mind(self.stage.context.database, picked(list(self.ledger.payments), pick))
        elif what == "deadline":
            self.overdue([self.ledger.payments[payment_id].intent_id])
        else:
            self.lose_patience(payment_id, is_unpinned=what == "pin")

    @precondition(lambda self: self.ledger.unfinished())
    @rule(pick=PICKS)
    def fall_silent(self, pick: int) -> None:
        """The provider has the charge, but keeps silent until the pin has ended, and the hold expires."""
        unfinished = self.ledger.unfinished()
        lasting = [one for one in unfinished if self.ledger.payments[one].method in NOT_TO_BE_ENDED]
        payment_id = picked(lasting or unfinished, pick)
        self.look_after(payment_id)
        self.overdue([self.ledger.payments[payment_id].intent_id])
        self.lose_patience(payment_id, is_unpinned=True)
        self.look_after(payment_id)
        self.let_expire([])

    def lose_patience(self, payment_id: str, *, is_unpinned: bool) -> None:
        """Let a payment's patience be over, and perhaps the time for which it pins its hold."""
        self.stage.end_patience(payment_id, is_unpinned=is_unpinned)
        payment = self.ledger.payments[payment_id]
        payment.is_out_of_patience = True
        payment.is_unpinned = payment.is_unpinned or is_unpinned

    @property
    def is_money_moving(self) -> bool:
        """Whether a payment, a refund or a webhook is under way."""
        return bool(self.ledger.unfinished() or self.pending_refunds() or self._untaken())

    def bring_money_home(self) -> None:
        """All that takes time is over, and everything of which a sweep reminds is looked after."""
        settle_charges(self.stage.context.database, *self.ledger.payments)
        for payment_id, payment in self.ledger.payments.items():
            if payment.status == "pending":
                self.lose_patience(payment_id, is_unpinned=False)
        unfinished, refunds = self.ledger.unfinished(), self.pending_refunds()
        assert self.stage.ring_for_money() == {*unfinished, *map(str, map(self.stage.refund_id, refunds))}
        for payment_id in unfinished:
            self.look_after(payment_id)
        for payment_id in self.pending_refunds():
            self.look_after_refund(payment_id)
        for webhook in self._untaken():
            self.take(webhook)

    def _untaken(self) -> list[Webhook]:
        written = written_webhooks(self.stage.context.database)
        return [one for one in written if one.event_id not in self.ledger.webhooks]

    def money_is_at_rest(self) -> None:
        """Every charge is a paid order's or went back, but for what the sandbox refuses to give back."""
        refused = {one for one, refund in self.ledger.refunds.items() if refund.status == "failed"}
        late = {one for one, payment in self.ledger.payments.items() if payment.status == "late"}
        kept = {one for one, payment in self.ledger.payments.items() if payment.status == "succeeded"}
        assert late <= refused
        assert self.ledger.settings.status != "cancelled" or kept <= refused, "who paid is given it back"
        books = audit_books(self.stage.context.database, self.stage.sale_id)
        assert books.wrong == []
        assert books.open_minor == sum(self.ledger.payments[one].amount for one in late)


def _word(outcome: Outcome) -> Word:
    return Word(outcome.state.value, outcome.code or "")
