"""The steps of workers: claim, persist, settle, die, come back as a zombie, drain, sweep."""

from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from models import ledger
from models.errors import Fenced, LineUnavailable
from models.live.records import Claim
from models.messages import verdicts
from tasks.intents.drain import drain_sale, finish_claim
from tasks.orders.holds import expire_due, release_pending
from tasks.sweep import sweep
from tests.model.play import LOSSES, PICKS, Hand, fates, picked
from tests.model.reference import OVER, Batch
from tests.model.reference_ledger import RefundRow
from tests.model.reference_money import Stopped
from tests.model.rules_of_shoppers import Shoppers
from tests.model.stage import CLAIM_SIZE

LEASE_MS = 3_600_000  # runs out when a rule says so
MOST_TRIES = 3  # so that no claim is parked


class CrashBeforeCommit(Exception):
    """The worker died with its transaction open."""


class Workers(Shoppers):
    """What workers do."""

    @rule(limit=st.integers(1, 4))
    def claim_more(self, limit: int) -> None:
        """The same as `claim`: most of the time there is work."""
        self.claim(limit, "")

    @rule(limit=st.integers(1, 4), loss=LOSSES)
    def claim(self, limit: int, loss: str) -> None:
        """A worker takes work. Who hears nothing asks again under the same id."""
        claim_id = f"claim-{self.claims}"
        self.claims += 1
        stage = self.stage
        if loss:
            with self.losing(loss, "claim"):
                lost = self.attempt(
                    lambda: stage.live.claim(stage.sale_id, limit, lease_ms=LEASE_MS, claim_id=claim_id)
                )
                assert isinstance(lost, LineUnavailable)
            if loss == "reply":
                self.live.claim(claim_id, limit)
        code, batch = self.live.claim(claim_id, limit)
        reply = stage.live.claim(stage.sale_id, limit, lease_ms=LEASE_MS, claim_id=claim_id)
        assert (reply.code, reply.waiting, reply.parked) == (code, self.live.waiting, 0)
        if batch is None or reply.claim is None:
            assert reply.claim is None
            assert batch is None
            return
        assert rows_of(reply.claim) == rows_expected(batch)
        assert (reply.claim.claim_id, reply.claim.price_minor) == (batch.claim_id, batch.price)
        self.hands.append(Hand(reply.claim, batch))

    @precondition(lambda self: self.hands)
    @rule(pick=PICKS, commits=st.sampled_from((True, True, True, False)))
    def persist(self, pick: int, commits: bool) -> None:
        """A worker writes a claim, perhaps not for the first time, perhaps one from before a rebuild."""
        hand = picked(self.hands, pick)
        found = self.attempt(lambda: self._persist(hand.claim, commits), Fenced, CrashBeforeCommit)
        if hand.batch.epoch != self.ledger.epoch:
            assert isinstance(found, Fenced)
        elif commits:
            assert isinstance(found, ledger.Persisted), found
            stored = self.ledger.persist(hand.batch)
            assert [(one.outcome, one.reason, one.granted) for one in found.decisions] == [
                (one.outcome, one.reason, one.granted) for one in stored
            ]
            assert not found.units_back
            hand.stored = found
        else:
            assert isinstance(found, CrashBeforeCommit), found

    def _persist(self, claim: Claim, commits: bool) -> ledger.Persisted:
        with self.stage.context.database.connection() as connection:
            stored = ledger.persist_claim(connection, self.stage.sale_id, claim)
            if not commits:
                raise CrashBeforeCommit
        return stored

    @precondition(lambda self: any(hand.stored for hand in self.hands))
    @rule(pick=PICKS, loss=LOSSES)
    def settle(self, pick: int, loss: str) -> None:
        """A worker settles what it persisted, perhaps not for the first time, perhaps too late."""
        hand = picked([hand for hand in self.hands if hand.stored], pick)
        if loss:
            with self.losing(loss, "settle"):
                assert isinstance(self.attempt(lambda: self._settle(hand)), LineUnavailable)
            if loss == "reply":
                self.live.settle(hand.batch)
        code = self.live.settle(hand.batch)
        found = self.attempt(lambda: self._settle(hand), Fenced)
        assert isinstance(found, Fenced) if code == "fenced" else found is (code == "settled"), (code, found)

    def _settle(self, hand: Hand) -> bool:
        assert hand.stored is not None
        told = verdicts(hand.claim, hand.stored.decisions, self.stage.sale_id)
        units_back = hand.stored.units_back
        return self.stage.live.settle(self.stage.sale_id, hand.claim, told, units_back=units_back)

    @precondition(lambda self: self.hands)
    @rule(pick=PICKS)
    def finish(self, pick: int) -> None:
        """A worker does with a claim all that is left to do."""
        hand = picked(self.hands, pick)
        is_fenced = hand.batch.epoch != self.ledger.epoch
        assert finish_claim(self.stage.context, self.stage.sale_id, hand.claim) is not is_fenced
        if not is_fenced:
            self.ledger.persist(hand.batch)
            self.live.settle(hand.batch)
        self.hands.remove(hand)

    @precondition(lambda self: self.hands)
    @rule(pick=PICKS, how=st.sampled_from(("dies", "dies", "postpones")))
    def let_go(self, pick: int, how: str) -> None:
        """A worker dies with a claim in its hand, or has it come again later since the ledger is away."""
        hand = picked(self.hands, pick)
        self.hands.remove(hand)
        if how == "postpones":
            self._postpone(hand)

    @precondition(lambda self: self.sleeping())
    @rule(pick=PICKS)
    def lease_runs_out(self, pick: int) -> None:
        """A claim's lease is over, even if a worker has it: it comes again, and that worker is a zombie."""
        self.run_out(picked(self.sleeping(), pick))

    def sleeping(self) -> list[str]:
        """List the claims whose lease can run out."""
        batches = self.live.batches.values()
        return [
            one.claim_id
            for one in batches
            if one.claim_id not in self.live.overdue and one.tries < MOST_TRIES
        ]

    def run_out(self, claim_id: str) -> None:
        """End a lease, on both sides; claims come again in the order of that."""
        self.claims += 1
        self.stage.run_out(claim_id, self.claims)
        self.live.overdue[claim_id] = self.claims

    def _postpone(self, hand: Hand) -> None:
        """The try does not count."""
        self.stage.live.postpone(self.stage.sale_id, hand.claim, LEASE_MS)
        batch = self.live.batches.get(hand.batch.claim_id)
        if batch is not None:
            self.live.overdue.pop(batch.claim_id, None)
            batch.tries = max(batch.tries - 1, 0)

    def drain(self) -> None:
        """A worker hears the bell."""
        self.live.draw()
        for number in count(self.claims):
            _, batch = self.live.claim(f"drained-{number}", CLAIM_SIZE)
            if batch is None:
                break
            self.ledger.persist(batch)
            self.live.settle(batch)
        drain_sale(self.stage.context, self.stage.sale_id, clock=lambda: 0.0)

    @precondition(lambda self: self.held())
    @rule(picks=st.sets(PICKS, min_size=1, max_size=3))
    def expire(self, picks: set[int]) -> None:
        """Some deadlines pass, and a worker notices."""
        self.let_expire(sorted({picked(self.held(), pick) for pick in picks}))

    def held(self) -> list[str]:
        """List the intents whose orders are held."""
        return self.ledger.in_status("held")

    def let_expire(self, intent_ids: list[str]) -> None:
        """Have the deadlines of these holds be over, and a worker notice; orders being paid keep theirs."""
        self.overdue(intent_ids)
        ended = [one for one in self.held() if self.ledger.orders[one].is_overdue]
        assert expire_due(self.stage.context) == len(ended)
        self.ledger.end_holds(ended, "expired", "deadline_passed")

    def overdue(self, intent_ids: list[str]) -> None:
        """Have the deadlines of these orders be over."""
        self.stage.end_deadline(intent_ids)
        for intent_id in intent_ids:
            self.ledger.orders[intent_id].is_overdue = True

    @rule(fate=fates("release", "sell", dying=("ended", "released")))
    def release(self, fate: str) -> None:
        """A worker has the live side follow what is over; it may die before or after the units moved."""
        found, noted = self.both(
            fate,
            lambda: release_pending(self.stage.context),
            lambda cashier: cashier.release_pending(sorted(self.ledger.orders)),
        )
        assert isinstance(noted, Stopped) or found == noted, (found, noted)

    def sweep(self) -> None:
        """The platform looks after everything."""
        sweep(self.stage.context)
        if self.ledger.is_drained:
            return
        is_unnoted = self.ledger.lobby_size is None and self.live.lobby_size is not None
        if self.live.revision < self.ledger.revision or is_unnoted:
            self.bring_after()
        for adjustment_id in list(self.ledger.pending):
            self.finish_adjustment(adjustment_id)
        status = self.ledger.settings.status
        if status == "cancelled":
            self.ledger.end_holds(self.held(), "cancelled", "sale_cancelled")
            self._refund_everybody()
        is_quiet = self.live.is_empty and not (self.live.standby or self.live.batches)
        is_given_back = status != "cancelled" or self.ledger.held + self.ledger.sold == 0
        is_decided = not any(payment.asked for payment in self.ledger.payments.values())
        self.ledger.is_drained = status in OVER and is_quiet and is_given_back and is_decided

    def _refund_everybody(self) -> None:
        """A paid order of a cancelled sale is refunded, unless that was requested before."""
        for payment_id, payment in self.ledger.payments.items():
            if payment.status == "succeeded":
                self.ledger.refunds.setdefault(payment_id, RefundRow("sale_cancelled"))

    def finish_adjustment(self, adjustment_id: str) -> bool:
        """Have the model finish an adjustment; says whether it took place."""
        units = self.ledger.pending.pop(adjustment_id)
        applied = self.live.adjust(adjustment_id, units)
        if applied and units < 0:
            self.ledger.allocation += units
        return applied


def rows_of(claim: Claim) -> list[tuple[object, ...]]:
    """Show a real claim's rows."""
    return [
        (
            one.intent_id,
            one.user_id,
            one.ticket,
            one.quantity,
            one.accept_fewer,
            one.outcome,
            one.reason,
            one.granted,
        )
        for one in claim.decisions
    ]


def rows_expected(batch: Batch) -> list[tuple[object, ...]]:
    """Show the model's."""
    return [
        (
            ask.intent_id,
            ask.user,
            ask.ticket,
            ask.quantity,
            ask.accept_fewer,
            said.outcome,
            said.reason,
            said.granted,
        )
        for ask, said in batch.rows
    ]
