"""The specification of money as plain Python: what each step of paying does to the two stores, in order.

A step may be the last one: `Fate` says where a process dies, or which message to Redis is lost. Whatever
was done by then stays done. Knows no store and no provider: a provider's word is handed in.
"""

from dataclasses import dataclass
from typing import TypeVar

from tests.model.reference import LiveSide
from tests.model.reference_ledger import OPEN, LedgerSide, OrderRow, PaymentRow, RefundRow

T = TypeVar("T")

CHARGED = ("succeeded", "refunded", "late")
TAKEN = ("paying", "paid", "refunded")


class Stopped(Exception):
    """An actor could not go on: it died, or got no answer."""


class Died(Stopped):
    """The process ended here."""


class Lost(Stopped):
    """A message to Redis was lost, or the answer to it."""


@dataclass(slots=True)
class Fate:
    """What happens to the next actor, once. `what`: dies, request, reply; `where`: a step or a script."""

    what: str = ""
    where: str = ""

    @classmethod
    def of(cls, text: str) -> "Fate":
        """Read `dies:charged`, `request:sell` or `reply:sell`; empty: nothing happens."""
        what, _, where = text.partition(":")
        return cls(what, where)

    def reach(self, step: str) -> None:
        """Come to a step."""
        if (self.what, self.where) == ("dies", step):
            raise Died(step)


@dataclass(frozen=True, slots=True)
class Word:
    """A provider's word on a charge or a refund: pending, succeeded or declined, and why."""

    state: str
    code: str = ""


@dataclass(slots=True)
class Cashier:
    """Somebody who moves money: a shopper's request, a payments worker, a webhook, a sweep."""

    live: LiveSide
    ledger: LedgerSide
    fate: Fate

    def begin(self, payment_id: str, payment: PaymentRow) -> str:
        """Pin a hold for a payment, or say why not; the same key again begins nothing."""
        ledger = self.ledger
        same_key = [
            one
            for one in ledger.payments.values()
            if payment.key and (one.user, one.key) == (payment.user, payment.key)
        ]
        for one in same_key:
            is_same = (one.intent_id, one.method) == (payment.intent_id, payment.method)
            return "repeat" if is_same else "key_reused"
        order = ledger.orders[payment.intent_id]
        if code := self._unfit(payment.intent_id, order):
            return code
        ledger.payments[payment_id] = payment
        order.become("paying")
        self.fate.reach("payment_begun")
        return "begun"

    def _unfit(self, intent_id: str, order: OrderRow) -> str:
        if order.status == "paying":
            return "in_progress"
        if order.status in ("paid", "refunded"):
            return "already_paid"
        if order.status != "held" or order.is_overdue:
            return "not_held"
        is_open = any(
            one.intent_id == intent_id and one.status in OPEN for one in self.ledger.payments.values()
        )
        return "in_progress" if is_open else ""

    def drive(self, payment_id: str, word: Word) -> None:
        """Do what is to be done about a payment; the word is what the provider said when it was asked."""
        payment = self.ledger.payments[payment_id]
        if payment.status == "late":
            self._resolve_late(payment_id, payment)
        elif payment.status in OPEN:
            self.fate.reach("charged")
            self.note_charge(payment_id, word)

    def hear(self, event_id: str, payment_id: str, word: Word, *, is_refund: bool) -> bool:
        """Take a webhook; says whether it was the first time."""
        if event_id in self.ledger.webhooks:
            return False
        self.ledger.webhooks.add(event_id)
        step = "webhook_noted"
        if is_refund:
            self.note_refund(payment_id, word, step)
        elif word.state != "pending":
            self.note_charge(payment_id, word, step)
        else:
            self.fate.reach(step)  # it asks for nothing but to be asked about
        return True

    def note_charge(self, payment_id: str, word: Word, step: str = "") -> None:
        """Note a word on a charge, and let the live side follow."""
        payment = self.ledger.payments[payment_id]
        order = self.ledger.orders[payment.intent_id]
        is_over = is_news = False
        if word.state == "succeeded":
            is_news = payment.status not in CHARGED
            is_over = is_news and self._succeed(payment, order)
        elif payment.status in OPEN:
            is_news = payment.status == "pending" and self._disappoint(payment, order, word)
            if word.state == "declined":
                payment.status, payment.code = "declined", word.code
        self.fate.reach(step)
        self._follow(payment.intent_id, is_news=is_news, is_over=is_over)

    def _succeed(self, payment: PaymentRow, order: OrderRow) -> bool:
        payment.code = ""
        if payment.status not in OPEN or order.status not in ("paying", "held"):
            payment.status = "late"
            order.history.append((order.status, "paid_twice" if order.status in TAKEN else "paid_too_late"))
            return False
        if order.status == "held":
            order.become("paying", "answered_late")
        payment.status = "succeeded"
        self._pay(order)
        self.ledger.held -= order.units
        return True

    def _disappoint(self, payment: PaymentRow, order: OrderRow, word: Word) -> bool:
        """Unpin a hold whose payment was declined, or had no answer for too long; says whether it was."""
        if word.state == "declined":
            order.become("held", word.code)
        elif payment.is_unpinned:
            payment.status = "abandoned"
            order.become("held", "payment_unanswered")
        else:
            return False
        return True

    def _pay(self, order: OrderRow, reason: str = "") -> None:
        was_gone = order.status == "expired"
        order.become("paid", reason)
        order.is_released = was_gone
        self.ledger.receipts += 1
        order.receipt = self.ledger.receipts
        self.ledger.sold += order.units

    def _follow(self, intent_id: str, *, is_news: bool, is_over: bool) -> None:
        if is_news:
            self.fate.reach("charge_noted")
        if is_over:
            self.bring_after(intent_id)

    def _resolve_late(self, payment_id: str, payment: PaymentRow) -> None:
        """Sell a late payer a free unit, Redis first; or note that the money goes back, once."""
        order = self.ledger.orders[payment.intent_id]
        if payment_id in self.ledger.refunds:
            return
        if order.status != "expired":
            cause = "duplicate" if order.status in TAKEN else "late"
            self._decide_to_refund(payment_id, payment, cause)
            return
        if not order.is_released:
            self.bring_after(payment.intent_id)
        if order.is_released:
            self._hold_again(payment_id, payment, order)

    def _hold_again(self, payment_id: str, payment: PaymentRow, order: OrderRow) -> None:
        """Note that Redis is asked, ask, and write down what it said."""
        self.ledger.asked += not payment.asked
        payment.asked = payment.asked or self.ledger.asked
        self.fate.reach("regain_noted")
        self._send("request", "hold_again")
        said = self.live.hold_again(payment_id, payment.intent_id, order.user, order.units)
        self._send("reply", "hold_again")
        self.fate.reach("held_again")
        if said == "sold":
            payment.status, payment.asked = "succeeded", 0
            self._pay(order, "held_again")
            self.fate.reach("late_decided")
        elif said != "held_yet":
            self._decide_to_refund(payment_id, payment, "late")

    def _decide_to_refund(self, payment_id: str, payment: PaymentRow, cause: str) -> None:
        self.ledger.refunds[payment_id] = RefundRow(cause)
        payment.asked = 0
        self.fate.reach("late_decided")

    def cancel(self, intent_id: str) -> bool:
        """Give a hold up; says whether there was one that is not being paid."""
        if self.ledger.orders[intent_id].status != "held":
            return False
        self.ledger.end_holds([intent_id], "cancelled", "by_shopper")
        self.bring_after(intent_id)
        return True

    def ask_back(self, intent_id: str, cause: str) -> bool:
        """Have a paid order's money go back; says whether it can."""
        if self.ledger.orders[intent_id].status != "paid":
            return False
        (payment_id,) = [
            one
            for one, payment in self.ledger.payments.items()
            if payment.intent_id == intent_id and payment.status == "succeeded"
        ]
        refund = self.ledger.refunds.setdefault(payment_id, RefundRow(cause))
        if refund.status == "failed":
            refund.status = "pending"
        self.fate.reach("refund_asked")
        return True

    def give_back(self, payment_id: str, word: Word) -> None:
        """Do what is to be done about a refund, which the provider said this word on."""
        if self.ledger.refunds[payment_id].status == "pending":
            self.fate.reach("refunded")
            self.note_refund(payment_id, word)

    def note_refund(self, payment_id: str, word: Word, step: str = "") -> None:
        """Note a word on a refund, and bring the units home."""
        refund, payment = self.ledger.refunds[payment_id], self.ledger.payments[payment_id]
        order = self.ledger.orders[payment.intent_id]
        is_news = is_over = False
        if refund.status != "succeeded" and word.state != "pending":
            refund.status = "failed" if word.state == "declined" else "succeeded"
            is_news = refund.status == "succeeded"
            is_over = is_news and payment.status != "late"
        if is_over:
            order.become("refunded", refund.cause)
            order.is_released = False
            self.ledger.sold -= order.units
        elif is_news:
            which = "second" if refund.cause == "duplicate" else "late"
            order.history.append((order.status, f"{which}_payment_refunded"))
        if is_news:
            payment.status = "refunded"
        self.fate.reach(step)
        self._follow(payment.intent_id, is_news=is_news, is_over=is_over)

    def bring_after(self, intent_id: str) -> None:
        """Let the live side follow one order; where Redis gives no answer, a sweep does it later."""
        try:
            self.release([intent_id])
        except Lost:
            self.fate = Fate()

    def release_pending(self, intent_ids: list[str]) -> int:
        """Let the live side follow all of these; where Redis gives no answer, none is noted."""
        try:
            return self.release(intent_ids)
        except Lost:
            self.fate = Fate()
            return 0

    def release(self, intent_ids: list[str]) -> int:
        """Let the live side follow these orders where their holds are over; returns how many were noted."""
        over = {one: self.ledger.orders[one] for one in intent_ids if self.ledger.orders[one].is_unreleased}
        if not over:
            return 0
        self.fate.reach("ended")
        paid = [one for one, order in over.items() if order.status == "paid"]
        refunded = [one for one, order in over.items() if order.status == "refunded"]
        if len(paid) < len(over):
            self._send("request", "release")
            self.live.release([one for one in over if one not in (*paid, *refunded)], refunded)
            self._send("reply", "release")
        if paid:
            self._send("request", "sell")
            self.live.sell(paid)
            self._send("reply", "sell")
        self.fate.reach("released")
        for order in over.values():
            order.is_released = True
        return len(over)

    def _send(self, what: str, verb: str) -> None:
        """Get a message to Redis, or the answer to it, or lose it."""
        if (self.fate.what, self.fate.where) == (what, verb):
            raise Lost(verb)
