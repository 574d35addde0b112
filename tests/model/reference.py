"""The specification of a sale's live state as plain Python: what each operation must do. Uses no store.

`LiveSide` is what Redis must hold; `reference_ledger.py` says the same of PostgreSQL and
`reference_money.py` of the steps that money takes over both. Read them as the definition of the platform:
who gets what, in which order, and which of the sides a step moves.
"""

import hashlib
from dataclasses import dataclass, field

Answer = tuple[str, str]  # a code, and the intent that it speaks of

OVER = ("ended", "cancelled")
FREE_LEAVINGS = 3  # of a shopper; who leaves oftener does not come again before a pause that no example sees
CLOSING = {"ended": ("sold_out", "sale_ended"), "cancelled": ("rejected", "sale_cancelled")}


@dataclass(slots=True)
class Ask:
    """What a shopper asked for, with the ticket. `left_ms` is 0 unless the shopper left.

    In the lobby nobody has a ticket: 0. It is given when the line comes to who stood there.
    """

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
    sold: int = 0
    last_ticket: int = 0
    now_serving: int = 0
    lobby_size: int | None = None
    line: list[Ask] = field(default_factory=list)
    lobby: list[Ask] = field(default_factory=list)  # goes before the line
    is_drawing: bool = False  # the lobby was closed, and is not in order yet
    departed: list[Ask] = field(default_factory=list)  # left the lobby, and no claim has them yet
    leavings: dict[str, int] = field(default_factory=dict)  # how often each shopper left
    standby: list[Ask] = field(default_factory=list)
    known: dict[str, Ask] = field(default_factory=dict)
    active: dict[str, str] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    holds: dict[str, tuple[str, int]] = field(default_factory=dict)
    sales: dict[str, tuple[str, int]] = field(default_factory=dict)  # what is sold, as the holds are kept
    late: dict[str, str] = field(default_factory=dict)  # payment → the answer that it got, having come late
    keys: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    overdue: dict[str, int] = field(default_factory=dict)  # claim's id → when its lease ran out
    adjusted: dict[str, bool] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """How many in line have not left."""
        return sum(ask.left_ms == 0 for ask in (*self.lobby, *self.line))

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits for a verdict but those on standby."""
        return not (self.lobby or self.line or self.departed)

    def number_of(self, ask: Ask) -> int:
        """What is told as somebody's ticket: in the lobby the place, and nothing while lots are drawn."""
        if ask.ticket or self.is_drawing or ask not in self.lobby:
            return ask.ticket
        return self.now_serving + self.lobby.index(ask) + 1

    def submit(
        self, intent_id: str, user: str, quantity: int, accept_fewer: bool, *, key: str, body: str
    ) -> Answer:
        """Take an intent into the line, or say why not. What is known answers before anything else."""
        if key and (user, key) in self.keys:
            before, known_body = self.keys[user, key]
            return ("replayed" if known_body == body else "key_reused"), before
        if intent_id in self.known:
            return "replayed", intent_id
        refusal = self._refusal_of(user, quantity)
        if refusal is not None:
            return refusal
        self.last_ticket += 1
        is_lobby = self.settings.status == "scheduled"
        ask = Ask(intent_id, user, 0 if is_lobby else self.last_ticket, quantity, accept_fewer)
        (self.lobby if is_lobby else self.line).append(ask)
        self.known[intent_id] = ask
        self.active[user] = intent_id
        self._count(user, quantity)
        if key:
            self.keys[user, key] = (intent_id, body)
        return "accepted", intent_id

    def _refusal_of(self, user: str, quantity: int) -> Answer | None:
        if self.settings.status not in ("scheduled", "open"):
            return ("over" if self.settings.status in OVER else "not_open"), ""
        if user in self.active:
            return "in_line", self.active[user]
        if self.leavings.get(user, 0) > FREE_LEAVINGS:
            return "too_soon", ""
        return ("limit_reached", "") if self.units.get(user, 0) + quantity > self.settings.limit else None

    def claim(self, claim_id: str, limit: int) -> tuple[str, Batch | None]:
        """Hand out work: the same claim again, the longest overdue one, or a new one."""
        if claim_id in self.batches:
            return "fresh", self.batches[claim_id]
        if self.overdue:
            again = min(self.overdue, key=lambda one: (self.overdue[one], one))
            del self.overdue[again]
            self.batches[again].tries += 1
            return "again", self.batches[again]
        if self.is_drawing:
            return "drawing", None
        batch = Batch(claim_id, self.epoch, self.settings.price)
        is_still, is_full = self.settings.status in ("scheduled", "paused"), False
        if not is_still:
            is_full = self._serve_standby(batch, limit) or self._serve_line(batch, limit)
        for ask in self.departed[: limit - len(batch.rows)]:
            batch.rows.append((ask, Verdict("left")))
            self.departed.remove(ask)
        if not batch.rows:
            return ("not_open" if is_still else "full" if is_full else "empty"), None
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
        if not stood_by and 0 < ask.ticket <= self.now_serving:
            return "decided"
        ask.left_ms = now_ms
        self.leavings[user] = self.leavings.get(user, 0) + 1
        if self.settings.status == "scheduled":
            self.lobby.remove(ask)
            self.departed.append(ask)
            self.last_ticket -= 1
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

    def release(self, ended: list[str], refunded: list[str]) -> None:
        """Bring ended holds home, and what was sold to those who were refunded; each once."""
        for intent_id in (*ended, *refunded):
            if intent_id in self.holds:
                user, units = self.holds.pop(intent_id)
                self.held -= units
            elif intent_id in refunded and intent_id in self.sales:
                user, units = self.sales.pop(intent_id)
                self.sold -= units
            else:
                continue
            self.available += units
            self._count(user, -units)

    def sell(self, paid: list[str]) -> None:
        """Turn holds into what is sold, each once."""
        for intent_id in paid:
            if intent_id in self.holds:
                self.sales[intent_id] = self.holds.pop(intent_id)
                self.held -= self.sales[intent_id][1]
                self.sold += self.sales[intent_id][1]

    def hold_again(self, payment_id: str, intent_id: str, user: str, units: int) -> str:
        """Sell free units to who paid too late, where nobody has a better right; one answer a payment."""
        if payment_id in self.late:
            return self.late[payment_id]
        if intent_id in self.holds:
            return "held_yet"
        self.late[payment_id] = self._answer_late(intent_id, user, units)
        if self.late[payment_id] == "sold" and intent_id not in self.sales:
            self.sales[intent_id] = (user, units)
            self.available -= units
            self.sold += units
            self._count(user, units)
        return self.late[payment_id]

    def _answer_late(self, intent_id: str, user: str, units: int) -> str:
        if intent_id in self.sales:
            return "sold"
        if self.settings.status == "cancelled" or self.available < units:
            return "gone"
        if self.standby or self.lobby or self.line:
            return "others_first"
        return "limit_reached" if self.units.get(user, 0) + units > self.settings.limit else "sold"

    def adjust(self, adjustment_id: str, units: int) -> bool:
        """Raise or cut the allocation once; a cut takes free units only."""
        if adjustment_id not in self.adjusted:
            self.adjusted[adjustment_id] = self.available + units >= 0
            if self.adjusted[adjustment_id]:
                self.allocation += units
                self.available += units
        return self.adjusted[adjustment_id]

    def configure(self, settings: Settings, revision: int) -> None:
        """Take newer settings; the first opening closes the lobby, whose lots are then to be drawn."""
        if revision <= self.revision:
            return
        self.settings, self.revision = settings, revision
        if settings.status != "open" or self.lobby_size is not None:
            return
        self.lobby_size = len(self.lobby)
        self.is_drawing = settings.draw_seed != "" and len(self.lobby) > 1

    def draw(self) -> None:
        """Draw all lots."""
        if self.is_drawing:
            self.lobby.sort(key=lambda ask: _lot(self.settings.draw_seed, ask.intent_id))
        self.is_drawing = False

    def _serve_standby(self, batch: Batch, limit: int) -> bool:
        """Serve the oldest whose need is met, refuse the hopeless; says whether open holds are full."""
        is_full = False
        while not self._is_closed and len(batch.rows) < limit and not is_full:
            fitting = next((ask for ask in self.standby if ask.need <= self.available), None)
            if fitting is None:
                break
            is_full = self._is_full
            if not is_full:
                self._grant(batch, fitting)
                self.standby.remove(fitting)
        for ask in self._refused_on_standby()[: limit - len(batch.rows)]:
            self._decide(batch, ask, self._refusal())
            self.standby.remove(ask)
        return is_full

    def _refused_on_standby(self) -> list[Ask]:
        if self._is_closed:
            return list(self.standby)
        hopeless = [ask for ask in self.standby if ask.need > self.available + self.held]
        return sorted(hopeless, key=lambda ask: (ask.need, ask.ticket))

    def _serve_line(self, batch: Batch, limit: int) -> bool:
        """Decide from the head on; says whether open holds are full."""
        while (self.lobby or self.line) and len(batch.rows) < limit:
            queue = self.lobby or self.line
            ask, number = queue[0], queue[0].ticket
            ask.ticket = self.now_serving + 1
            if ask.left_ms:
                batch.rows.append((ask, Verdict("left")))
            elif self._is_closed or ask.need > self.available + self.held:
                self._decide(batch, ask, self._refusal())
            elif ask.need > self.available:
                batch.rows.append((ask, Verdict("standby")))
                self.standby.append(ask)
            elif self._is_full:
                ask.ticket = number
                return True
            else:
                self._grant(batch, ask)
            queue.pop(0)
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


def _lot(seed: str, intent_id: str) -> str:
    return hashlib.sha1(f"{seed}:{intent_id}".encode()).hexdigest()  # noqa: S324  # no two of a few begin alike
