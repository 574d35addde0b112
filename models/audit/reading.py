"""Reads Redis and PostgreSQL for an audit, in one go and with as little movement in between as possible."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from models.audit import queries
from models.database import Database, take_time
from models.driver import LONG
from models.errors import NoSuchSale
from models.live.records import Look
from models.live.store import Live

MONEY_SUMS: Final = ("charged_minor", "refunded_minor", "undecided_minor", "paid_orders_minor")
MOST_ROWS: Final = 20  # offending rows shown a check


@dataclass(frozen=True, slots=True)
class People:
    """The waiting and holding shoppers, as one of the stores knows them."""

    standby: frozenset[str]
    holds: dict[str, str]  # intent's id → user|units
    sold: dict[str, str]  # the same, of those that are paid
    units: dict[str, int]  # shopper → units held, paid and waiting
    owned: dict[str, int] = field(default_factory=dict)  # shopper → units held and paid; the ledger's only


@dataclass(frozen=True, slots=True)
class Reading:
    """Both stores, read as close together as can be.

    `is_still`: nothing moved and nothing is in flight.
    """

    look: Look
    ledger: Mapping[str, Any]
    passed_over: list[dict[str, Any]]
    overtaken: list[dict[str, Any]]
    mismatched: list[dict[str, Any]]
    money: Mapping[str, int]
    unpaid: list[dict[str, Any]]
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
    """Read what an audit needs.

    Raises:
        NoSuchSale: there is none.
        LineUnavailable, LedgerUnavailable: a store is unavailable.
    """
    before = live.look(sale_id)
    with database.transaction() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        take_time(session, LONG)
        session.execute(queries.UNCOMPILED)
        ledger = session.execute(queries.SALE, {"sale_id": sale_id}).mappings().one_or_none()
        if ledger is None:
            raise NoSuchSale("No sale has this id.")
        passed_over = _rows(session, queries.PASSED_OVER, sale_id)
        overtaken = _rows(session, queries.OVERTAKEN, sale_id)
        mismatched = _rows(session, queries.MISMATCHED, sale_id)
        asked = {"sale_id": sale_id, "most": MOST_ROWS}
        money = session.execute(queries.MONEY, asked).mappings().one()
        ledger_people = _people_of_ledger(session, sale_id)
        lots = _lots(session, sale_id, ledger["lobby_size"] or 0)
    live_people = People(*live.people(sale_id))
    after = live.look(sale_id)
    is_still = (
        _moving_parts(before) == _moving_parts(after)
        and before.claims == after.claims == 0
        and ledger["adjusting"] == 0
        and ledger["unreleased"] == 0
        and ledger["undecided"] == 0
    )
    return Reading(
        look=after,
        ledger=dict(ledger),
        passed_over=passed_over,
        overtaken=overtaken,
        mismatched=mismatched,
        money={name: int(money[name]) for name in MONEY_SUMS},
        unpaid=money["broken"],
        ledger_people=ledger_people,
        live_people=live_people,
        lots=lots,
        is_still=is_still,
    )


def _people_of_ledger(session: Session, sale_id: UUID) -> People:
    bound = {"sale_id": sale_id}
    units = session.execute(queries.UNITS, bound).all()
    return People(
        standby=frozenset(session.scalars(queries.WAITING, bound)),
        holds=_units_by_intent(session, queries.HOLDS, sale_id),
        sold=_units_by_intent(session, queries.SOLD, sale_id),
        units={row.user_id: int(row.units) for row in units},
        owned={row.user_id: int(row.owned) for row in units},
    )


def _units_by_intent(session: Session, query: Any, sale_id: UUID) -> dict[str, str]:
    rows = session.execute(query, {"sale_id": sale_id})
    return {row.intent_id: f"{row.user_id}|{row.quantity}" for row in rows}


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
