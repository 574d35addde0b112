"""Owns the real side of the model tests: a sale in both stores, their pictures, and answers that get lost."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import text

from models.audit import audit_sale
from models.audit.checks import CHECKS
from models.audit.reading import read
from models.errors import LineUnavailable
from models.live.keys import SaleKeys
from models.live.redis import Client
from models.live.scripts import Scripts
from models.live.store import Live
from tasks.breaker import Breaker
from tasks.context import Context
from tasks.facts import SaleBook
from tests.model.pictures import Picture

CLAIM_SIZE: Final = 3  # small, so that a few shoppers make several claims
TABLES_OF_A_SALE: Final = """
    SELECT s.status, s.price_minor, s.allocation, s.held, s.sold, s.epoch, s.last_decided_ticket,
           s.lobby_size, s.drained_at IS NOT NULL AS is_drained,
           (SELECT coalesce(json_object_agg(id, json_build_array(
                        user_id, ticket, status, coalesce(reason, ''))), '{}')
            FROM intents WHERE sale_id = s.id) AS intents,
           (SELECT coalesce(json_object_agg(intent_id, json_build_array(
                        user_id, quantity, unit_price_minor, status, released_at IS NOT NULL)), '{}')
            FROM orders WHERE sale_id = s.id) AS orders,
           (SELECT coalesce(json_object_agg(id, units), '{}') FROM adjustments
            WHERE sale_id = s.id AND state = 'pending') AS pending
    FROM sales s WHERE s.id = :sale_id
"""
# So that an example does the same when it is played again: numbers of sales are in the ids of intents.
AS_NEW: Final = "TRUNCATE sales RESTART IDENTITY CASCADE"


class LossyScripts(Scripts):
    """Loses what it is told to lose, once: the request, or the answer of a script that ran."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.losing: dict[str, str] = {}

    def run(self, verb: str, keys: list[str], args: list[Any]) -> Any:
        loss = self.losing.pop(verb, "")
        if loss == "request":
            raise LineUnavailable(f"The request {verb} was lost.")
        reply = super().run(verb, keys, args)
        if loss == "reply":
            raise LineUnavailable(f"The answer to {verb} was lost.")
        return reply


class LossyLive(Live):
    """The live state's verbs over a connection that may lose messages."""

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

    def read_live(self) -> Picture:
        """Read everything that the sale has in Redis, in one transaction."""
        keys, pipeline = self.keys, self.live.client.pipeline(transaction=True)
        for name in (keys.state, keys.intents, keys.active, keys.units, keys.holds, keys.claimed):
            pipeline.hgetall(name)
        pipeline.lrange(keys.line, 0, -1)
        pipeline.zrange(keys.standby, 0, -1)
        pipeline.zrange(keys.claims, 0, -1)
        state, intents, active, units, holds, claimed, line, standby, claims = pipeline.execute()
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
            "line": line,
            "on_standby": standby,
            "claims": set(claims),
        }

    def read_ledger(self) -> Picture:
        """Read everything that the sale has in PostgreSQL."""
        with self.context.database.connection() as connection:
            row = connection.execute(text(TABLES_OF_A_SALE), {"sale_id": self.sale_id}).one()
        return dict(cast(Mapping[str, Any], row._mapping))

    def broken_checks(self) -> list[str]:
        """Audit the sale in one reading: nobody else acts, so that nothing can move meanwhile."""
        reading = read(self.context.database, self.live, self.sale_id)
        return [
            f"{one.name}: {one.figures} {one.rows}"
            for one in (check(reading) for check in CHECKS)
            if not one.ok
        ]

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


def lossy(context: Context) -> tuple[Context, LossyLive]:
    """Make a process's parts anew, over a connection that can lose messages."""
    live = LossyLive(context.live.client)
    parts = replace(
        context,
        live=live,
        book=SaleBook(context.database),
        breaker=Breaker(lambda: True),
        settings=replace(context.settings, claim_size=CLAIM_SIZE),
    )
    return parts, live


def forget_others(context: Context) -> None:
    """Remove what earlier examples left in the ledger."""
    with context.database.connection() as connection:
        connection.execute(text(AS_NEW))
