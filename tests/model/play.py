"""What every rule uses: the real sale, the model of both stores, and the comparison of the two."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from models.enums import SaleStatus
from models.errors import LineUnavailable
from models.ledger import Persisted
from models.live.records import Claim
from tasks.context import Context
from tasks.runtime.failpoints import Failed, arm
from tasks.sales import lifecycle
from tests.model.reference import Batch, LiveSide, Settings
from tests.model.reference_ledger import LedgerSide
from tests.model.reference_money import Cashier, Died, Fate, Lost, Stopped
from tests.model.snapshots import differences, ledger_snapshot, live_snapshot
from tests.model.stage import Stage, forget_others, lossy

T = TypeVar("T")

PRICE: Final = 1_000
SEED: Final = "5eed"  # of the draw: the same at every replay
LONG: Final = timedelta(hours=10)
PICKS: Final = st.integers(0, 20)  # which of several; taken modulo their number
AUDITS_EVERY: Final = 4  # steps, where there are many; the model is compared with after each
LOSSES: Final = st.sampled_from(("", "", "", "request", "reply"))


def fates(*losing: str, dying: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    """Draw what happens to the next actor: nothing, or a lost message of one of these verbs, or a death."""
    lost = [f"{what}:{verb}" for what in ("request", "reply") for verb in losing]
    befalling = [*lost, *(f"dies:{step}" for step in dying)]
    return st.sampled_from([*[""] * len(befalling), *befalling])


@dataclass(frozen=True, slots=True)
class World:
    """What all examples share: a process's parts, its shoppers, and how its Redis is killed and started."""

    context: Context
    product_id: UUID
    people: tuple[str, ...]
    restart_redis: Callable[[], None]


@dataclass(slots=True)
class Hand:
    """A claim in a worker's hand, and what the worker got from the ledger for it, if it got that far."""

    claim: Claim
    batch: Batch
    stored: Persisted | None = None


class Play(RuleBasedStateMachine):
    """One sale, really and in the model. Rules act on both; after each step both must be the same."""

    stage: Stage
    live: LiveSide
    ledger: LedgerSide

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.hands: list[Hand] = []
        self.accepted: set[str] = set()
        self.submissions = 0
        self.claims = 0
        self.comparisons = 0
        self.audits_every = 1
        self.is_set = False

    @initialize(
        units=st.integers(1, 6),
        limit=st.integers(1, 3),
        most_holds=st.sampled_from((0, 0, 2)),
        is_drawn=st.booleans(),
        has_lobby=st.sampled_from((False, False, True)),
    )
    def open_the_shop(self, units: int, limit: int, most_holds: int, is_drawn: bool, has_lobby: bool) -> None:
        parts = lossy(self.world.context)
        context = parts.context
        forget_others(context)
        now = datetime.now(UTC)
        new_sale = lifecycle.NewSale(
            product_id=self.world.product_id,
            allocation=units,
            price_minor=PRICE,
            currency="USD",
            opens_at=now + LONG,
            closes_at=now + 2 * LONG,
            lobby_opens_at=now - LONG,
            per_shopper_limit=limit,
            hold_seconds=604_800,
            admission_order="draw" if is_drawn else "fifo",
            max_open_holds=most_holds or None,
        )
        sale = lifecycle.create_sale(context, new_sale)
        self.stage = parts.stage(sale.id, sale.number)
        self.stage.sql("UPDATE sales SET draw_seed = :seed WHERE id = :sale_id", seed=SEED)
        settings = Settings("scheduled", PRICE, limit, most_holds, SEED if is_drawn else "")
        self.live = LiveSide(str(sale.epoch), settings, 1, units, units)
        self.ledger = LedgerSide(str(sale.epoch), settings, units)
        self.is_set = True
        if not has_lobby:
            self.become("open")

    @invariant()
    def both_stores_are_as_the_model_says(self) -> None:
        if not self.is_set:
            return
        live, ledger = self.stage.read_live(), self.stage.read_ledger()
        assert differences(live_snapshot(self.live), live) == {}
        assert differences(ledger_snapshot(self.ledger), ledger) == {}
        assert live["available"] <= ledger["allocation"] - ledger["held"] - ledger["sold"]
        assert self.stage.broken_books() == []
        self.comparisons += 1
        if self.comparisons % self.audits_every == 0:
            assert self.stage.broken_checks() == []

    def become(self, requested: str) -> None:
        """Move the sale, legally and with nothing lost."""
        lifecycle.move_sale(self.stage.context, self.stage.sale_id, SaleStatus(requested))
        self.set(status=requested)
        self.bring_after()

    def set(self, **changes: Any) -> None:
        """Change settings in the model's ledger."""
        self.ledger.settings = replace(self.ledger.settings, **changes)
        self.ledger.revision += 1

    def bring_after(self, loss: str = "") -> None:
        """Bring the model's live side to the ledger's settings."""
        if loss == "request":
            return
        self.live.configure(self.ledger.settings, self.ledger.revision)
        if not loss:
            self.live.draw()
        if not loss and self.ledger.lobby_size is None and self.ledger.settings.status != "scheduled":
            self.ledger.lobby_size = self.live.lobby_size

    @contextlib.contextmanager
    def losing(self, loss: str, verb: str) -> Iterator[None]:
        """Lose the first request or answer of a verb in the meantime."""
        if loss:
            self.stage.live.lose(loss, verb)
        yield
        self.stage.live.scripts.losing.clear()

    def attempt(self, act: Callable[[], T], *expected: type[Exception]) -> T | Exception:
        """Do something that may be refused in ways that are expected; anything else fails the example."""
        try:
            return act()
        except Exception as error:
            if not isinstance(error, (LineUnavailable, *expected)):
                raise
            return error

    def restart(self) -> None:
        """Go on as a new process."""
        self.stage = lossy(self.world.context).stage(self.stage.sale_id, self.stage.number)

    def both(
        self, fate: str, act: Callable[[], T], model: Callable[[Cashier], T], *expected: type[Exception]
    ) -> tuple[T | Exception, T | Stopped]:
        """Do something about money really and in the model, under one fate; returns what came of each."""
        with self.meeting(fate):
            found = self.attempt(act, Failed, *expected)
        cashier = Cashier(self.live, self.ledger, Fate.of(fate))
        try:
            said: T | Stopped = model(cashier)
        except Stopped as stopped:
            said = stopped
        failures: dict[type[Any], type[Exception]] = {Died: Failed, Lost: LineUnavailable}
        was_stopped = isinstance(found, (Failed, LineUnavailable))
        expectation = failures.get(type(said))
        assert isinstance(found, expectation) if expectation else not was_stopped, (found, said)
        return found, said

    @contextlib.contextmanager
    def meeting(self, fate: str) -> Iterator[None]:
        """Let something happen to whichever worker acts in the meantime, once."""
        what, _, where = fate.partition(":")
        if what == "dies":
            arm(f"{where}:1:raise")
        elif what:
            self.stage.live.lose(what, where)
        try:
            yield
        finally:
            arm("")
            self.stage.live.scripts.losing.clear()


def picked(things: Sequence[T], pick: int) -> T:
    """Choose one of several."""
    return things[pick % len(things)]
