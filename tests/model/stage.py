"""The real side of the model tests: a sale in both stores, their snapshots, and answers that get lost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import delete, text

from models.audit import audit_sale
from models.audit.checks import CHECKS
from models.audit.gathering import read
from models.errors import LineUnavailable
from models.live.keys import SaleKeys
from models.live.redis import Client
from models.live.scripts import Scripts
from models.live.store import Live
from tasks.context import Context
from tasks.intake.sale_cache import SaleCache
from tasks.payments.sweep import sweep_payments
from tasks.runtime.breaker import Breaker
from tests.model.books import audit_books
from tests.model.overhearing import Overheard, OverheardProviders
from tests.model.snapshots import Snapshot
from tests.model.stepping import SteppingDatabase, halt
from tests.support.contexts import RememberingBell
from tests.support.emptying import FILLED, TABLES

LONG_S: Final = 36_000  # longer than any example: a payment's patience ends when a rule says so
TICKETS: Final = 900_000_000  # by which a need is scaled in the scores of `needs`
CLAIM_SIZE: Final = 3  # small, so that a few shoppers make several claims
TABLES_OF_A_SALE: Final = """
    SELECT s.status, s.price_minor, s.allocation, s.held, s.sold, s.epoch, s.last_decided_ticket,
           s.lobby_size, s.drained_at IS NOT NULL AS is_drained,
           (SELECT coalesce(json_object_agg(id, json_build_array(
                        user_id, ticket, status, coalesce(reason, ''))), '{}')
            FROM intents WHERE sale_id = s.id) AS intents,
           (SELECT coalesce(json_object_agg(intent_id, json_build_array(
                        user_id, quantity, unit_price_minor, status, released_at IS NOT NULL,
                        coalesce(CAST(split_part(receipt_number, '-', 2) AS int), 0))), '{}')
            FROM orders WHERE sale_id = s.id) AS orders,
           (SELECT coalesce(json_object_agg(o.intent_id, (
                        SELECT json_agg(json_build_array(e.status, coalesce(e.reason, '')) ORDER BY e.id)
                        FROM order_events e WHERE e.order_id = o.id)), '{}')
            FROM orders o WHERE o.sale_id = s.id) AS histories,
           (SELECT coalesce(json_object_agg(p.id, json_build_array(
                        o.intent_id, p.method, coalesce(p.idempotency_key, ''), p.amount_minor, p.status,
                        coalesce(p.code, ''), p.due_at IS NOT NULL, p.regain_asked_at IS NOT NULL)
                        ORDER BY p.created_at), '{}')
            FROM payments p JOIN orders o ON o.id = p.order_id WHERE o.sale_id = s.id) AS payments,
           (SELECT coalesce(json_object_agg(r.payment_id, json_build_array(
                        r.cause, r.status, r.amount_minor, r.due_at IS NOT NULL)), '{}')
            FROM refunds r JOIN orders o ON o.id = r.order_id WHERE o.sale_id = s.id) AS refunds,
           (SELECT coalesce(json_agg(w.event_id ORDER BY w.event_id COLLATE "C"), '[]')
            FROM webhook_events w JOIN payments p
                ON p.id = coalesce(w.payment_id, (SELECT payment_id FROM refunds WHERE id = w.refund_id))
            JOIN orders o ON o.id = p.order_id WHERE o.sale_id = s.id) AS webhooks,
           (SELECT coalesce(json_object_agg(id, units), '{}') FROM adjustments
            WHERE sale_id = s.id AND state = 'pending') AS pending
    FROM sales s WHERE s.id = :sale_id
"""
ALL_DUE: Final = tuple(
    f"UPDATE {table} t SET due_at = now() FROM orders o"  # noqa: S608 - of these two names
    " WHERE o.id = t.order_id AND o.sale_id = :sale_id AND t.due_at > now()"
    for table in ("payments", "refunds")
)
OVERDUE: Final = """
    UPDATE orders SET expires_at = now() - interval '1 second'
    WHERE sale_id = :sale_id AND intent_id = ANY(CAST(:due AS uuid[]))
"""
OUT_OF_PATIENCE: Final = """
    UPDATE payments p
    SET patience_until = now() - interval '1 second',
        pinned_until = CASE WHEN :is_unpinned THEN now() - interval '1 second' ELSE p.pinned_until END
    FROM orders o WHERE o.id = p.order_id AND o.sale_id = :sale_id AND p.id = CAST(:payment_id AS uuid)
"""
PAYMENTS_DUE: Final = text("""
    SELECT CAST(p.id AS text) FROM payments p JOIN orders o ON o.id = p.order_id
    WHERE o.sale_id = :sale_id AND p.due_at <= now()
""")
REFUND: Final = text("SELECT id FROM refunds WHERE payment_id = CAST(:payment_id AS uuid)")
KEPT: Final = ("users", "products")
ALL_OF_THEM: Final = text("SET LOCAL session_replication_role = replica")  # no reference is looked after
# So that an example does the same when it is played again: numbers of sales are in the ids of intents.
FROM_ONE: Final = text("SELECT setval(pg_get_serial_sequence('sales', 'number'), 1, false)")

Note = Callable[[str, list[Any], Any], None]  # a verb that ran, with its arguments and answer


class LossyScripts(Scripts):
    """Loses what it is told to lose, once: the request, or the answer of a script that ran.

    `note` hears of every script that ran, in the order in which they did. Logical workers halt before each.
    """

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.losing: dict[str, str] = {}
        self.note: Note = lambda *_: None

    def run(self, verb: str, keys: list[str], args: list[Any]) -> Any:
        halt()
        loss = self.losing.pop(verb, "")
        if loss == "request":
            raise LineUnavailable(f"The request {verb} was lost.")
        reply = super().run(verb, keys, args)
        self.note(verb, args, reply)
        if loss == "reply":
            raise LineUnavailable(f"The answer to {verb} was lost.")
        return reply


class LossyLive(Live):
    """The live state's verbs over a connection that may lose messages; who left too often stays away."""

    leaving_pause_ms = longest_pause_ms = LONG_S * 1_000

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.scripts = LossyScripts(client)
        self._scripts = self.scripts

    def lose(self, what: str, verb: str) -> None:
        """Lose the next `request` or `reply` of a verb."""
        self.scripts.losing[verb] = what


@dataclass(frozen=True, slots=True)
class Stage:
    """Where one example plays: a sale of its own in stores that are shared with all the others."""

    context: Context
    live: LossyLive
    sale_id: UUID
    number: int
    sandbox: Overheard

    @property
    def keys(self) -> SaleKeys:
        return SaleKeys.of(self.sale_id)

    def intent_id(self, count: int) -> str:
        """Make the id of the sale's n-th submission: the same at every replay but for the sale's number."""
        return str(UUID(int=self.number << 96 | 0x8 << 76 | 0b10 << 62 | (count + 1)))

    def run_out(self, claim_id: str, at_ms: int) -> None:
        """Have a claim's lease be over since a time long ago."""
        self.live.client.zadd(self.keys.claims, {claim_id: at_ms}, xx=True)

    def sql(self, statement: str, **values: Any) -> None:
        """Do something to the ledger that only time does."""
        with self.context.database.connection() as connection:
            connection.execute(text(statement), {"sale_id": self.sale_id, **values})

    def read_live(self) -> Snapshot:
        """Read everything that the sale has in Redis, in one transaction."""
        keys, pipeline = self.keys, self.live.client.pipeline(transaction=True)
        for name in (
            keys.state,
            keys.intents,
            keys.active,
            keys.units,
            keys.holds,
            keys.sold,
            keys.late,
            keys.claimed,
            keys.leavings,
        ):
            pipeline.hgetall(name)
        pipeline.lrange(keys.line, 0, -1)
        pipeline.zrange(keys.lobby, 0, -1)
        pipeline.lrange(keys.departed, 0, -1)
        pipeline.zrange(keys.standby, 0, -1)
        pipeline.zrange(keys.needs, 0, -1, withscores=True)
        pipeline.zrange(keys.claims, 0, -1)
        state, intents, active, units, holds, sales, late, claimed, leavings, *others = pipeline.execute()
        line, lobby, departed, standby, needs, claims = others
        claimed_ids = {one for one in claimed if not one.startswith("tries:")}
        assert claimed_ids == set(claims), (claimed_ids, claims)
        return {
            **{name: _number(state, name) for name in LIVE_NUMBERS},
            "epoch": state["epoch"],
            "status": state["status"],
            "intents": {one: int(record.split("|")[1]) for one, record in intents.items()},
            "has_left": {one for one, record in intents.items() if not record.endswith("|0")},
            "active": active,
            "units": {user: int(number) for user, number in units.items()},
            "holds": holds,
            "sales": sales,
            "late": late,
            "line": line,
            "lobby": lobby,
            "is_drawing": "undrawn_until" in state,
            "departed": departed,
            "leavings": {user: int(packed.partition("|")[0]) for user, packed in leavings.items()},
            "on_standby": standby,
            "needs": [(one, int(score) // TICKETS, int(score) % TICKETS) for one, score in needs],
            "claims": set(claims),
        }

    def read_ledger(self) -> Snapshot:
        """Read everything that the sale has in PostgreSQL."""
        with self.context.database.connection() as connection:
            row = connection.execute(text(TABLES_OF_A_SALE), {"sale_id": self.sale_id}).one()
        return dict(cast(Mapping[str, Any], row._mapping))

    def refund_id(self, payment_id: str) -> UUID:
        """Find the refund of a payment."""
        with self.context.database.connection() as connection:
            found = connection.execute(REFUND, {"payment_id": payment_id}).scalar_one()
        return cast(UUID, found)

    def end_patience(self, payment_id: str, *, is_unpinned: bool) -> None:
        """Let a payment's patience be over, and perhaps the time for which it pins its hold."""
        self.sql(OUT_OF_PATIENCE, payment_id=payment_id, is_unpinned=is_unpinned)

    def end_deadline(self, intent_ids: list[str]) -> None:
        """Let the deadlines of these orders be over."""
        self.sql(OVERDUE, due=intent_ids)

    def ring_for_money(self) -> set[str]:
        """Have a sweep ring for payments and refunds once all pauses are over; returns which are due."""
        bell = self.context.bell
        assert isinstance(bell, RememberingBell)
        for statement in ALL_DUE:
            self.sql(statement)
        bell.others.clear()
        with self.context.database.connection() as connection:
            due = set(connection.execute(PAYMENTS_DUE, {"sale_id": self.sale_id}).scalars())
        sweep_payments(self.context)
        rung = set(bell.others)
        assert (("run_payments", None) in rung) or not due
        return due | {str(subject) for name, subject in rung if name == "run_refund"}

    def broken_checks(self) -> list[str]:
        """Audit the sale in one reading: nobody else acts, so that nothing can move meanwhile."""
        reading = read(self.context.database, self.live, self.sale_id)
        return [
            f"{one.name}: {one.figures} {one.rows}"
            for one in (check(reading) for check in CHECKS)
            if not one.ok
        ]

    def broken_books(self) -> list[str]:
        """Compare the shop's money with the sandbox's books, which holds at any instant."""
        return audit_books(self.context.database, self.sale_id).wrong

    def require_whole(self) -> None:
        """Have the platform's own audit say that all is well and nothing is under way."""
        audit = audit_sale(self.context.database, self.live, self.sale_id)
        assert audit.ok, audit
        assert not audit.in_flight, audit


LIVE_NUMBERS: Final = (
    *("allocation", "available", "held", "sold", "price_minor", "per_shopper_limit", "max_open_holds"),
    *("last_ticket", "now_serving", "waiting", "standby", "open_holds", "lobby_size", "revision"),
)


def _number(state: Mapping[str, str], name: str) -> int | None:
    return int(state[name]) if name in state else None


@dataclass(frozen=True, slots=True)
class Parts:
    """A process's parts, and those of them that tests handle themselves."""

    context: Context
    live: LossyLive
    sandbox: Overheard

    def stage(self, sale_id: UUID, number: int) -> Stage:
        """Make a stage for a sale."""
        return Stage(self.context, self.live, sale_id, number, self.sandbox)


def lossy(context: Context) -> Parts:
    """Build a process's parts again: messages may be lost, answers are recorded, workers go step by step."""
    live, database = LossyLive(context.live.client), SteppingDatabase(context.database)
    payments = replace(context.settings.payments, patience_s=LONG_S)
    settings = replace(context.settings, claim_size=CLAIM_SIZE, payments=payments)
    providers = OverheardProviders(settings, database)
    parts = replace(
        context,
        live=live,
        database=database,
        sale_cache=SaleCache(database),
        breaker=Breaker(lambda: True),
        settings=settings,
        providers=providers,
    )
    return Parts(parts, live, providers.sandbox)


def forget_others(context: Context) -> None:
    """Remove what earlier examples left in the ledger."""
    with context.database.connection() as connection:
        connection.execute(ALL_OF_THEM)
        for name in connection.execute(FILLED).scalars().all():
            if name not in KEPT:
                connection.execute(delete(TABLES[name]))
        connection.execute(FROM_ONE)
