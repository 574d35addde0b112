"""The specification of a sale's ledger as plain Python: what PostgreSQL must hold. Uses no store."""

from dataclasses import dataclass, field

from tests.model.reference import Ask, Batch, LiveSide, Settings, Verdict

HOLDING = ("held", "paying")
OVER = ("expired", "cancelled", "paid", "refunded")  # the live side has to follow
OPEN = ("pending", "abandoned")  # payments whose outcome is not known


@dataclass(slots=True)
class OrderRow:
    """An order as stored. `is_released`: the live side is known to have followed its end.

    `is_overdue`: its deadline has passed. `receipt`: the number of its receipt, 0 before it is paid.
    """

    user: str
    units: int
    price: int
    status: str = "held"
    is_released: bool = False
    is_overdue: bool = False
    receipt: int = 0
    history: list[tuple[str, str]] = field(default_factory=lambda: [("held", "")])

    @property
    def total(self) -> int:
        """What it costs."""
        return self.units * self.price

    @property
    def is_unreleased(self) -> bool:
        """Its hold is over, and the live side may not know."""
        return self.status in OVER and not self.is_released

    def become(self, status: str, reason: str = "") -> None:
        """Change, and note it in the history."""
        self.status = status
        self.history.append((status, reason))


@dataclass(slots=True)
class PaymentRow:
    """An attempt to charge an order. `asked`: its number among those that ask for units again, else 0.

    The last two: what the clock has brought.
    """

    intent_id: str
    user: str
    method: str
    key: str
    amount: int
    status: str = "pending"
    code: str = ""
    asked: int = 0
    is_out_of_patience: bool = False
    is_unpinned: bool = False


@dataclass(slots=True)
class RefundRow:
    """The giving back of a payment."""

    cause: str
    status: str = "pending"


@dataclass(slots=True)
class LedgerSide:
    """A sale in PostgreSQL. `pending`: adjustments that are begun and not finished, oldest first.

    Payments are kept by their ids, refunds by the ids of their payments; `receipts` is the last number.
    """

    epoch: str
    settings: Settings
    allocation: int
    revision: int = 1
    held: int = 0
    sold: int = 0
    last_decided: int = 0
    lobby_size: int | None = None
    is_drained: bool = False
    asks: dict[str, Ask] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    orders: dict[str, OrderRow] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)
    payments: dict[str, PaymentRow] = field(default_factory=dict)
    refunds: dict[str, RefundRow] = field(default_factory=dict)
    webhooks: set[str] = field(default_factory=set)
    receipts: int = 0
    asked: int = 0  # how often Redis was asked to sell units again

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

    def end_holds(self, intent_ids: list[str], status: str, reason: str) -> None:
        """End holds: the ledger moves first. An order that is being paid keeps its hold."""
        for intent_id in intent_ids:
            self.orders[intent_id].become(status, reason)
            self.held -= self.orders[intent_id].units

    def in_status(self, *statuses: str) -> list[str]:
        """List the intents whose orders are in one of these statuses."""
        return sorted(one for one, order in self.orders.items() if order.status in statuses)

    def unfinished(self) -> list[str]:
        """List the payments that somebody has to look after."""
        return [
            one
            for one, payment in self.payments.items()
            if payment.status in OPEN or (payment.status == "late" and one not in self.refunds)
        ]

    def rebuilt_live(self, epoch: str, before: LiveSide) -> LiveSide:
        """What a rebuild restores: nobody in line; holds, sold units and standby as the ledger knows them."""
        live = LiveSide(epoch, self.settings, self.revision, self.allocation, 0)
        live.held, live.sold, live.available = self.held, self.sold, self.allocation - self.held - self.sold
        live.last_ticket, live.now_serving = self.last_decided, self.last_decided
        # Who came after the opening is never drawn, whether or not the lobby's size was noted.
        live.lobby_size = (
            0 if self.lobby_size is None and self.settings.status != "scheduled" else self.lobby_size
        )
        live.holds = self._units_of(*HOLDING)
        live.sales = self._units_of("paid")
        for user, units in (*live.holds.values(), *live.sales.values()):
            live.units[user] = live.units.get(user, 0) + units
        standing = [self.asks[one] for one, verdict in self.verdicts.items() if verdict.outcome == "standby"]
        live.standby = sorted(standing, key=lambda ask: ask.ticket)
        for ask in live.standby:
            live.known[ask.intent_id], live.active[ask.user] = ask, ask.intent_id
            live.units[ask.user] = live.units.get(ask.user, 0) + ask.quantity
        self._sell_again(live, before)
        return live

    def _sell_again(self, live: LiveSide, before: LiveSide) -> None:
        """Lay as sold what was sold to late payers, and then what may have been, as far as there is."""
        if self.settings.status == "cancelled":
            return
        asking = sorted(
            (payment.asked, one, payment.intent_id) for one, payment in self.payments.items() if payment.asked
        )
        surely = [intent_id for _, one, intent_id in asking if before.late.get(one) == "sold"]
        perhaps = [intent_id for _, one, intent_id in asking if one not in before.late]
        for intent_id in dict.fromkeys(surely + perhaps):
            order = self.orders[intent_id]
            units = live.units.get(order.user, 0) + order.units
            if order.status == "expired" and order.units <= live.available and units <= live.settings.limit:
                live.sales[intent_id] = (order.user, order.units)
                live.available -= order.units
                live.sold += order.units
                live.units[order.user] = units

    def _units_of(self, *statuses: str) -> dict[str, tuple[str, int]]:
        return {one: (self.orders[one].user, self.orders[one].units) for one in self.in_status(*statuses)}
