"""Owns the specification of a sale's two stores as plain Python: what each verb must do. Knows no store.

`LiveSide` is what Redis must hold, `LedgerSide` what PostgreSQL must hold. Read them as the definition of
the platform: who gets what, in which order, and which of the sides a step moves.
"""

import hashlib
from dataclasses import dataclass, field

Answer = tuple[str, str]  # a code, and the intent that it speaks of

OVER = ("ended", "cancelled")
CLOSING = {"ended": ("sold_out", "sale_ended"), "cancelled": ("rejected", "sale_cancelled")}


@dataclass(slots=True)
class Ask:
    """What a shopper asked for, with the ticket. `left_ms` is 0 unless the shopper left."""

    intent_id: str
    user: str
    ticket: int
    quantity: int
    accept_fewer: bool
    left_ms: int = 0

    @property
    def need(self) -> int:
        """The fewest units that would do."""
        return 1 if self.accept_fewer else self.quantity


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided of a ticket; `standby` is not the last word."""

    outcome: str
    reason: str = ""
    granted: int = 0


@dataclass(slots=True)
class Batch:
    """A claim: decided, written down, and not known to be in the ledger. `tries`: how often it came again."""

    claim_id: str
    epoch: str
    price: int
    rows: list[tuple[Ask, Verdict]] = field(default_factory=list)
    tries: int = 0
    is_persisted: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What an admin sets. `max_open_holds` 0: no bound."""

    status: str
    price: int
    limit: int
    max_open_holds: int
    draw_seed: str  # empty: the lobby keeps its order of arrival


@dataclass(slots=True)
class LiveSide:
    """A sale in Redis."""

    epoch: str
    settings: Settings
    revision: int
    allocation: int
    available: int
    held: int = 0
    last_ticket: int = 0
    now_serving: int = 0
    lobby_size: int | None = None
    line: list[Ask] = field(default_factory=list)
    standby: list[Ask] = field(default_factory=list)
    known: dict[str, Ask] = field(default_factory=dict)
    active: dict[str, str] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    holds: dict[str, tuple[str, int]] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    overdue: dict[str, int] = field(default_factory=dict)  # claim's id → when its lease ran out
    adjusted: dict[str, bool] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """How many in line have not left."""
        return sum(ask.left_ms == 0 for ask in self.line)

    def submit(
        self, intent_id: str, user: str, quantity: int, accept_fewer: bool, *, key: str, body: str
    ) -> Answer:
        """Take an intent into the line, or say why not. What is known answers before anything else."""
        if key and (user, key) in self.keys:
            before, known_body = self.keys[user, key]
            return ("replayed" if known_body == body else "key_reused"), before
        if intent_id in self.known:
            return "replayed", intent_id
        if self.settings.status not in ("scheduled", "open"):
            return ("over" if self.settings.status in OVER else "not_open"), ""
        if user in self.active:
            return "in_line", self.active[user]
        if self.units.get(user, 0) + quantity > self.settings.limit:
            return "limit_reached", ""
        self.last_ticket += 1
        ask = Ask(intent_id, user, self.last_ticket, quantity, accept_fewer)
        self.line.append(ask)
        self.known[intent_id] = ask
        self.active[user] = intent_id
        self._count(user, quantity)
        if key:
            self.keys[user, key] = (intent_id, body)
        return "accepted", intent_id

    def claim(self, claim_id: str, limit: int) -> tuple[str, Batch | None]:
        """Hand out work: the same claim again, the longest overdue one, or a new one."""
        if claim_id in self.batches:
            return "fresh", self.batches[claim_id]
        if self.overdue:
            again = min(self.overdue, key=lambda one: (self.overdue[one], one))
            del self.overdue[again]
            self.batches[again].tries += 1
            return "again", self.batches[again]
        if self.settings.status in ("scheduled", "paused"):
            return "not_open", None
        batch = Batch(claim_id, self.epoch, self.settings.price)
        is_full = self._serve_standby(batch, limit) or self._serve_line(batch, limit)
        if not batch.rows:
            return ("full" if is_full else "empty"), None
        self.batches[claim_id] = batch
        return "fresh", batch

    def settle(self, batch: Batch) -> str:
        """Forget a claim and the intents whose last word it spoke."""
        if batch.epoch != self.epoch:
            return "fenced"
        if self.batches.pop(batch.claim_id, None) is None:
            return "already"
        self.overdue.pop(batch.claim_id, None)
        for ask, verdict in batch.rows:
            if verdict.outcome != "standby":
                self.known.pop(ask.intent_id, None)
        return "settled"

    def leave(self, intent_id: str, user: str, now_ms: int) -> str:
        """Give up a place: in line its ticket is passed over later, on standby a claim says so at once."""
        ask = self.known.get(intent_id)
        if ask is None or ask.user != user:
            return "unknown"
        if ask.left_ms:
            return "left"
        stood_by = ask in self.standby
        if not stood_by and ask.ticket <= self.now_serving:
            return "decided"
        ask.left_ms = now_ms
        del self.active[user]
        self._count(user, -ask.quantity)
        if stood_by:
            self.standby.remove(ask)
            claim_id = f"leave.{intent_id}"
            self.batches[claim_id] = Batch(
                claim_id, self.epoch, self.settings.price, [(ask, Verdict("left"))]
            )
            self.overdue[claim_id] = now_ms
        return "left"

    def release(self, intent_ids: list[str]) -> int:
        """Bring ended holds home, each once; returns the units."""
        ended = [self.holds.pop(intent_id) for intent_id in intent_ids if intent_id in self.holds]
        for user, units in ended:
            self._count(user, -units)
        released = sum(units for _, units in ended)
        self.available += released
        self.held -= released
        return released

    def adjust(self, adjustment_id: str, units: int) -> bool:
        """Raise or cut the allocation once; a cut takes free units only."""
        if adjustment_id not in self.adjusted:
            self.adjusted[adjustment_id] = self.available + units >= 0
            if self.adjusted[adjustment_id]:
                self.allocation += units
                self.available += units
        return self.adjusted[adjustment_id]

    def configure(self, settings: Settings, revision: int) -> None:
        """Take newer settings; the first opening draws the lobby."""
        if revision <= self.revision:
            return
        self.settings, self.revision = settings, revision
        if settings.status != "open" or self.lobby_size is not None:
            return
        self.lobby_size = len(self.line)
        if settings.draw_seed:
            self.line.sort(key=lambda ask: _lot(settings.draw_seed, ask.intent_id))
            for place, ask in enumerate(self.line, 1):
                ask.ticket = self.now_serving + place

    def _serve_standby(self, batch: Batch, limit: int) -> bool:
        """Serve the oldest whose need is met, refuse the hopeless; says whether open holds are full."""
        for ask in list(self.standby):
            if len(batch.rows) >= limit:
                return False
            if self._is_closed or ask.need > self.available + self.held:
                self._decide(batch, ask, self._refusal())
            elif ask.need > self.available:
                continue
            elif self._is_full:
                return True
            else:
                self._grant(batch, ask)
            self.standby.remove(ask)
        return False

    def _serve_line(self, batch: Batch, limit: int) -> bool:
        """Decide from the head on; says whether open holds are full."""
        while self.line and len(batch.rows) < limit:
            ask = self.line[0]
            if ask.left_ms:
                batch.rows.append((ask, Verdict("left")))
            elif self._is_closed or ask.need > self.available + self.held:
                self._decide(batch, ask, self._refusal())
            elif ask.need > self.available:
                batch.rows.append((ask, Verdict("standby")))
                self.standby.append(ask)
            elif self._is_full:
                return True
            else:
                self._grant(batch, ask)
            self.line.pop(0)
            self.now_serving = ask.ticket
        return False

    def _grant(self, batch: Batch, ask: Ask) -> None:
        granted = min(ask.quantity, self.available)
        self.available -= granted
        self.held += granted
        self.holds[ask.intent_id] = (ask.user, granted)
        self._decide(batch, ask, Verdict("held", "", granted))

    def _decide(self, batch: Batch, ask: Ask, verdict: Verdict) -> None:
        batch.rows.append((ask, verdict))
        del self.active[ask.user]
        self._count(ask.user, verdict.granted - ask.quantity)

    def _refusal(self) -> Verdict:
        return Verdict(*CLOSING.get(self.settings.status, ("sold_out", "")))

    def _count(self, user: str, units: int) -> None:
        self.units[user] = self.units.get(user, 0) + units
        if self.units[user] <= 0:
            del self.units[user]

    @property
    def _is_closed(self) -> bool:
        return self.settings.status in OVER

    @property
    def _is_full(self) -> bool:
        return 0 < self.settings.max_open_holds <= len(self.holds)


@dataclass(slots=True)
class OrderRow:
    """An order as stored. `is_released`: the live side is known to have its units back."""

    user: str
    units: int
    price: int
    status: str = "held"
    is_released: bool = False

    @property
    def is_unreleased(self) -> bool:
        """Its hold has ended, and the live side may not know."""
        return self.status in ("expired", "cancelled") and not self.is_released


@dataclass(slots=True)
class LedgerSide:
    """A sale in PostgreSQL. `pending`: adjustments that are begun and not finished, oldest first."""

    epoch: str
    settings: Settings
    allocation: int
    revision: int = 1
    held: int = 0
    last_decided: int = 0
    lobby_size: int | None = None
    is_drained: bool = False
    asks: dict[str, Ask] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    orders: dict[str, OrderRow] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)

    def persist(self, batch: Batch) -> list[Verdict]:
        """Store a claim's verdicts; what is stored wins, but for standby. Returns what is stored then."""
        for ask, verdict in batch.rows:
            before = self.verdicts.get(ask.intent_id)
            if before is not None and (before.outcome != "standby" or verdict.outcome == "standby"):
                continue
            self.asks[ask.intent_id] = ask
            self.verdicts[ask.intent_id] = verdict
            if verdict.outcome == "held":
                self.orders[ask.intent_id] = OrderRow(ask.user, verdict.granted, batch.price)
                self.held += verdict.granted
        self.last_decided = max([self.last_decided, *(ask.ticket for ask, _ in batch.rows)])
        batch.is_persisted = True
        return [self.verdicts[ask.intent_id] for ask, _ in batch.rows]

    def end_holds(self, intent_ids: list[str], status: str) -> None:
        """End holds: the ledger moves first."""
        for intent_id in intent_ids:
            self.orders[intent_id].status = status
            self.held -= self.orders[intent_id].units

    def rebuilt_live(self, epoch: str) -> LiveSide:
        """What a rebuild lays anew: nobody in line, who holds and who stands by as the ledger knows them."""
        held = {one: order for one, order in self.orders.items() if order.status == "held"}
        standing = [self.asks[one] for one, verdict in self.verdicts.items() if verdict.outcome == "standby"]
        live = LiveSide(epoch, self.settings, self.revision, self.allocation, self.allocation - self.held)
        live.held, live.last_ticket, live.now_serving = self.held, self.last_decided, self.last_decided
        # Who came after the opening is never drawn, whether or not the lobby's size was noted.
        live.lobby_size = (
            0 if self.lobby_size is None and self.settings.status != "scheduled" else self.lobby_size
        )
        live.standby = sorted(standing, key=lambda ask: ask.ticket)
        live.holds = {one: (order.user, order.units) for one, order in held.items()}
        for order in held.values():
            live.units[order.user] = live.units.get(order.user, 0) + order.units
        for ask in live.standby:
            live.known[ask.intent_id], live.active[ask.user] = ask, ask.intent_id
            live.units[ask.user] = live.units.get(ask.user, 0) + ask.quantity
        return live


def _lot(seed: str, intent_id: str) -> str:
    return hashlib.sha1(f"{seed}:{intent_id}".encode()).hexdigest()  # noqa: S324
