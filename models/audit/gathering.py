"""Reads Redis and PostgreSQL for an audit, in one go and with as little movement in between as possible."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy.orm import Session

from models.audit import queries
from models.database import Database, read_as_one, take_time
from models.driver import LONG
from models.errors import NoSuchSale
from models.live.records import Look
from models.live.store import Live

IN_FLIGHT: Final = ("adjusting", "unreleased", "undecided")  # counted in the ledger
MONEY_SUMS: Final = ("charged_minor", "refunded_minor", "undecided_minor", "paid_orders_minor")
MOST_ROWS: Final = 20  # offending rows shown a check


@dataclass(frozen=True, slots=True)
class People:
    """The waiting and holding shoppers, as one of the stores knows them."""

    standby: frozenset[str]
    holds: dict[str, str]  # intent's id → user|units
    sold: dict[str, str]  # the same, of those that are paid
    units: dict[str, int]  # shopper → units held, paid and waiting


NOBODY: Final = People(frozenset(), {}, {}, {})


@dataclass(frozen=True, slots=True)
class Reading:
    """Both stores, read as close together as can be.

    `is_still`: nothing moved and nothing is in flight. `over_limit`: shoppers who hold and have paid more
    than they may, with their units. People are read where the sale may be still: else nobody compares them.
    """

    look: Look
    ledger: Mapping[str, Any]
    passed_over: list[dict[str, Any]]
    overtaken: list[dict[str, Any]]
    mismatched: list[dict[str, Any]]
    money: Mapping[str, int]
    unpaid: list[dict[str, Any]]
    over_limit: dict[str, int]
    has_people: bool
    ledger_people: People
    live_people: People
    lots: list[tuple[str, int]]
    is_still: bool

    @property
    def is_live(self) -> bool:
        """Whether there is a live side according to the ledger; archived sales have none any more."""
        return self.ledger["epoch"] is not None

    @property
    def is_comparable(self) -> bool:
        """Whether the two stores must be equal: there are two, and both are still."""
        return self.is_live and self.is_still


def read(database: Database, live: Live, sale_id: UUID) -> Reading:
    """Read what an audit needs."""
    before = live.look(sale_id)
    with database.transaction() as session:
        read_as_one(session)
        take_time(session, LONG)
        session.execute(queries.PLAIN)
        ledger = session.execute(queries.SALE, {"sale_id": sale_id}).mappings().one_or_none()
        if ledger is None:
            raise NoSuchSale("No sale has this id.")
        passed_over = _rows(session, queries.PASSED_OVER, sale_id)
        overtaken = _rows(session, queries.OVERTAKEN, sale_id)
        mismatched = _rows(session, queries.MISMATCHED, sale_id)
        asked = {"sale_id": sale_id, "most": MOST_ROWS}
        money = session.execute(queries.MONEY, asked).mappings().one()
        over_limit = session.execute(queries.OVER_LIMIT, asked | {"limit": ledger["per_shopper_limit"]}).all()
        may_be_still = before.claims == 0 and not any(ledger[name] for name in IN_FLIGHT)
        ledger_people = _people_of_ledger(session, sale_id) if may_be_still else NOBODY
        lots = _lots(session, sale_id, ledger["lobby_size"] or 0)
    live_people = People(*live.people(sale_id)) if may_be_still else NOBODY
    after = live.look(sale_id)
    is_still = may_be_still and after.claims == 0 and _moving_parts(before) == _moving_parts(after)
    return Reading(
        look=after,
        ledger=dict(ledger),
        passed_over=passed_over,
        overtaken=overtaken,
        mismatched=mismatched,
        money={name: int(money[name]) for name in MONEY_SUMS},
        unpaid=money["broken"],
        over_limit={row.user_id: int(row.units) for row in over_limit},
        has_people=may_be_still,
        ledger_people=ledger_people,
        live_people=live_people,
        lots=lots,
        is_still=is_still,
    )


def _people_of_ledger(session: Session, sale_id: UUID) -> People:
    found = session.execute(queries.PEOPLE, {"sale_id": sale_id}).one()
    standby, holds, sold = (orjson.loads(text) for text in found)
    units: dict[str, int] = defaultdict(int)
    for some in (standby, holds, sold):
        for packed in some.values():
            user, _, quantity = packed.partition("|")
            units[user] += int(quantity)
    return People(frozenset(standby), holds, sold, dict(units))


def _lots(session: Session, sale_id: UUID, lobby: int) -> list[tuple[str, int]]:
    rows = session.execute(queries.LOTS, {"sale_id": sale_id, "lobby": lobby})
    return [(row.id, row.ticket) for row in rows]


def _moving_parts(look: Look) -> tuple[str | None, ...]:
    """What differs when anything happened in between; `moves` only grows."""
    return tuple(look.fields.get(name) for name in ("epoch", "revision", "moves", "last_ticket"))


def _rows(session: Session, query: Any, sale_id: UUID) -> list[dict[str, Any]]:
    found = session.execute(query, {"sale_id": sale_id, "most": MOST_ROWS}).mappings()
    return [{name: _plain(value) for name, value in row.items()} for row in found]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID | datetime) else value
