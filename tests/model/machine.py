"""The whole state machine: the steps of admins and of failures, besides those of others, and how it ends."""

import sys
import uuid
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from models.enums import SaleStatus
from models.errors import AllocationTooSmall, Fenced, IllegalTransition, LineUnavailable
from models.live.records import Submission
from tasks.sales import lifecycle
from tasks.sales.rebuilding.rebuild import rebuild_sale
from tests.model.play import LOSSES, PICKS, PRICE, picked
from tests.model.reference import OVER
from tests.model.rules_of_payers import Payers

LEADS_TO: Final = {
    "scheduled": ("open", "cancelled"),
    "open": ("paused", "ended", "cancelled"),
    "paused": ("open", "ended", "cancelled"),
    "ended": (),
    "cancelled": (),
}
SELDOM: Final = (
    *("price", "price", "ask", "ask", "ask", "drain", "drain", "sweep", "sweep", "sweep"),
    *("paused", "open", "open", "open", "ended", "cancelled"),
    *("rebuild", "rebuild", "rebuild", "restart", "reload", "kill"),
)
ROUNDS: Final = 200  # more than any example needs to come to rest


class SaleMachine(Payers):
    """A sale with everybody who acts on it."""

    @rule(change=st.integers(-4, 5), loss=LOSSES)
    def change_allocation(self, change: int, loss: str) -> None:
        """An admin asks for more or fewer units."""
        requested = max(self.ledger.allocation + change, 0)
        before = set(self.ledger.pending)
        with self.losing(loss, "adjust"):
            found = self.attempt(
                lambda: lifecycle.change_sale(
                    self.stage.context, self.stage.sale_id, {"allocation": requested}
                ),
                AllocationTooSmall,
                IllegalTransition,
            )
        expected = self._expected_of(requested, loss, before)
        assert isinstance(found, expected), (expected, found)

    def _expected_of(self, requested: int, loss: str, before: set[str]) -> type:
        if self.ledger.settings.status in OVER:
            return IllegalTransition
        for adjustment_id in before:
            if loss:
                self._adjust_unheard(adjustment_id, loss)
                return LineUnavailable
            self.finish_adjustment(adjustment_id)
        units = requested - self.ledger.allocation
        if units < 0 and requested < self.ledger.held + self.ledger.sold:
            return AllocationTooSmall
        if units == 0:
            return object
        self.ledger.allocation += max(units, 0)
        if not loss:
            adjustment_id = str(uuid.uuid4())
            self.ledger.pending[adjustment_id] = units
            return object if self.finish_adjustment(adjustment_id) else AllocationTooSmall
        (adjustment_id,) = set(self.stage.read_ledger()["pending"]) - before
        self.ledger.pending[adjustment_id] = units
        self._adjust_unheard(adjustment_id, loss)
        return LineUnavailable

    def _adjust_unheard(self, adjustment_id: str, loss: str) -> None:
        if loss == "reply":
            self.live.adjust(adjustment_id, self.ledger.pending[adjustment_id])

    @precondition(lambda self: self.ledger.settings.status == "scheduled")
    @rule(loss=LOSSES)
    def open_the_line(self, loss: str) -> None:
        """The lobby becomes a line."""
        self.move("open", loss)

    @rule(what=st.sampled_from(SELDOM), pick=PICKS, loss=LOSSES)
    def now_and_then(self, what: str, pick: int, loss: str) -> None:
        """What happens less often than the rest: admins, sweeps, restarts, rebuilds."""
        if what == "price":
            self.change_price(PRICE + pick if pick % 5 else 0, loss)
        elif what == "ask":
            self.ask_after(pick)
        elif what in LEADS_TO:
            self.move(what, loss)
        else:
            getattr(self, what)()

    def change_price(self, price: int, loss: str) -> None:
        """An admin changes the price: orders keep that of their verdict."""
        with self.losing(loss, "configure"):
            found = self.attempt(
                lambda: lifecycle.change_sale(self.stage.context, self.stage.sale_id, {"price_minor": price}),
                IllegalTransition,
            )
        if self.ledger.settings.status in OVER:
            assert isinstance(found, IllegalTransition)
            return
        assert not isinstance(found, Exception), found
        self.set(price=price)
        self.bring_after(loss)

    def move(self, requested: str, loss: str) -> None:
        """An admin opens, pauses, resumes, ends or cancels, or tries to."""
        with self.losing(loss, "configure"):
            found = self.attempt(
                lambda: lifecycle.move_sale(self.stage.context, self.stage.sale_id, SaleStatus(requested)),
                IllegalTransition,
            )
        if requested not in LEADS_TO[self.ledger.settings.status]:
            assert isinstance(found, IllegalTransition)
            return
        assert not isinstance(found, Exception), found
        self.set(status=requested)
        self.bring_after(loss)

    def rebuild(self) -> None:
        """An admin has the live state rebuilt while nobody is undecided: then nothing may be lost."""
        if self.live.settings.status == "open":
            self.drain()
        if not self.live.is_empty or not all(one.is_persisted for one in self.live.batches.values()):
            return
        old = self.ledger.epoch
        assert rebuild_sale(self.stage.context, self.stage.sale_id) == 0
        self.ledger.epoch = self.stage.read_ledger()["epoch"]
        assert self.ledger.epoch != old
        self.ledger.pending.clear()
        self.ledger.is_drained = False
        keys = self.live.keys
        self.live = self.ledger.rebuilt_live(self.ledger.epoch, self.live)
        self.live.keys = keys
        self._refuse_the_past(old)

    def _refuse_the_past(self, old: str) -> None:
        """A process with the old epoch gets nothing into the line."""
        late = Submission(self.stage.intent_id(1 << 30), self.world.people[0], 1, False)
        found = self.attempt(lambda: self.stage.live.submit(self.stage.sale_id, old, [late]), Fenced)
        assert isinstance(found, Fenced)

    def reload(self) -> None:
        """Redis reads its file again; one of version 7 lets nobody ask for that, and only `kill` shows it."""
        client = self.stage.live.client
        told: Any = client.info("server")
        if int(told["redis_version"].partition(".")[0]) < 7:
            client.execute_command("DEBUG", "RELOAD")  # type: ignore[no-untyped-call]

    def kill(self) -> None:
        """Redis is killed and started again, and so is the process."""
        self.world.restart_redis()
        self.restart()

    def teardown(self) -> None:
        """Bring the sale to rest: then everybody has one final verdict and the stores agree in everything."""
        if not self.is_set or sys.exc_info()[0] is not None:
            return
        self.sweep()
        if self.ledger.settings.status in ("scheduled", "paused"):
            self.become("open")
        for _ in range(ROUNDS):
            self._one_round()
            if self.is_at_rest:
                break
        self.money_is_at_rest()
        self.both_stores_are_as_the_model_says()
        self.stage.require_whole()
        verdicts = self.ledger.verdicts
        assert set(verdicts) == self.accepted
        assert all(verdict.outcome != "standby" for verdict in verdicts.values())
        assert (self.live.available + self.live.sold, self.live.held) == (self.ledger.allocation, 0)
        self._close()

    @property
    def is_at_rest(self) -> bool:
        """Whether nobody waits, nothing is held and nothing is under way."""
        waiting = not self.live.is_empty or self.live.standby or self.live.batches
        return not (waiting or self.live.holds or self.held() or self.is_money_moving)

    def _one_round(self) -> None:
        for claim_id in self.live.batches:
            if claim_id not in self.live.overdue:
                self.run_out(claim_id)
        self.drain()
        self.bring_money_home()
        if self.held():
            self.let_expire([picked(self.held(), 0)])
        self.release("")
        if self.ledger.settings.status in OVER:
            self.sweep()

    def _close(self) -> None:
        if self.ledger.settings.status == "open":
            self.become("ended")
        self.sweep()
        self.both_stores_are_as_the_model_says()
        assert self.ledger.is_drained or (self.ledger.settings.status == "cancelled" and self.ledger.sold)
