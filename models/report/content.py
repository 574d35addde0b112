"""Builds a report's content from the ledger's figures, as plain data ready for JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause
from sqlalchemy.orm import Session

from models.audit import Audit
from models.errors import NoSuchSale
from models.messages import Message, money, rfc3339
from models.report import queries
from models.report.fairness import audit_of, fairness_of
from models.report.series import MOST_ROWS, STEPS, Series
from models.report.times import Times, times_of

SPREADS: Final = ("to_verdict", "on_standby", "hold_to_paid")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figures:
    """The ledger's figures on a sale."""

    sale: Row
    intents: Row
    orders: Row
    payments: Row
    reasons: list[Message]
    spreads: dict[str, Message]
    times: Times
    all_taken_at: datetime | None
    series: Series


def make_content(session: Session, sale_id: UUID, audit: Audit, *, last_ticket: int) -> Message:
    """Put the report of a sale together; `last_ticket` of its line, which the ledger does not know."""
    session.execute(queries.UNCOMPILED)
    found = _ask(session, sale_id)
    return {
        "sale_id": str(sale_id),
        "settings": _settings(found.sale),
        "times": found.times.as_message(),
        "funnel": _funnel(found, last_ticket),
        "reasons": found.reasons,
        "units": _units(found),
        "revenue": _revenue(found),
        "shoppers": {
            "asked": found.intents["shoppers"],
            "granted": found.orders["shoppers"],
            "paid": found.orders["payers"],
        },
        "payments": {name: found.payments[name] for name in ("attempts", "declined")},
        "spreads_ms": found.spreads,
        "seconds_from_opening": _seconds(found),
        "fairness": fairness_of(audit, found.sale["admission_order"]),
        "audit": audit_of(audit, found.sale["currency"]),
        "series": found.series.as_message(),
    }


def _ask(session: Session, sale_id: UUID) -> Figures:
    def ask(query: TextClause, **more: Any) -> Any:
        return session.execute(query, {"sale_id": sale_id, **more}).mappings()

    sale = ask(queries.SALE).one_or_none()
    if sale is None:
        raise NoSuchSale("No sale has this id.")
    intents = ask(queries.INTENTS).one()
    times = times_of(sale, intents)
    since = {"opened_at": times.counted_from}
    adjusted = session.scalars(queries.ADJUSTED, {"sale_id": sale_id, **since}).one()
    first_units = sale["allocation"] - int(adjusted)
    moves = ask(queries.SERIES, **since, most=MOST_ROWS, steps=list(STEPS))
    return Figures(
        sale=sale,
        intents=intents,
        orders=ask(queries.ORDERS).one(),
        payments=ask(queries.PAYMENTS).one(),
        reasons=[dict(row) for row in ask(queries.REASONS)],
        spreads=_spreads(list(ask(queries.SPREADS, **since))),
        times=times,
        all_taken_at=session.scalar(
            queries.ALL_TAKEN, {"sale_id": sale_id, **since, "first_units": first_units}
        ),
        series=Series.of_moves(moves, first_units),
    )


def _settings(sale: Row) -> Message:
    return {
        "product": {"id": str(sale["product_id"]), "name": sale["product_name"]},
        "status": sale["status"],
        "price": money(sale["price_minor"], sale["currency"]),
        **{name: sale[name] for name in ("allocation", "per_shopper_limit", "hold_seconds")},
        **{name: _written(sale[name]) for name in ("opens_at", "closes_at", "lobby_opens_at")},
        "admission": {
            "order": sale["admission_order"],
            "rate_per_second": sale["rate_per_second"],
            "max_open_holds": sale["max_open_holds"],
        },
    }


def _funnel(found: Figures, last_ticket: int) -> Message:
    intents, orders = found.intents, found.orders
    in_line = max(last_ticket - found.sale["last_decided_ticket"], 0)
    return {
        "intents": intents["intents"] + in_line,
        "decided": intents["decided"],
        "held": orders["granted"],
        "payment_begun": found.payments["orders"],
        "paid": orders["paid"],
        "refunded": orders["refunded"],
        "expired": orders["expired"],
        "cancelled": orders["cancelled"],
        "open": orders["open"],
        "sold_out": intents["sold_out"],
        "rejected": intents["rejected"],
        "left": intents["left"],
        "standby": intents["standby"],
        "in_line": in_line,
    }


def _units(found: Figures) -> Message:
    orders, asked, allocation = found.orders, int(found.intents["units"]), found.sale["allocation"]
    kinds = ("granted", "paid", "refunded", "expired", "cancelled", "open")
    units = {kind: int(orders[f"{kind}_units"]) for kind in kinds}
    return {
        "allocation": allocation,
        "asked": asked,
        **units,
        "sold": units["paid"] - units["refunded"],
        "demand_ratio": round(asked / allocation, 4) if allocation else None,
    }


def _revenue(found: Figures) -> Message:
    gross, refunded = int(found.orders["gross_minor"]), int(found.orders["refunded_minor"])
    paid, currency = found.orders["paid"], found.sale["currency"]
    return {
        "gross": money(gross, currency),
        "refunded": money(refunded, currency),
        "net": money(gross - refunded, currency),
        "average_order": money((gross + paid // 2) // paid, currency) if paid else None,
    }


def _spreads(rows: list[Row]) -> dict[str, Message]:
    by_name = {row["name"]: row for row in rows}
    return {name: _spread(by_name.get(name)) for name in SPREADS}


def _spread(row: Row | None) -> Message:
    if row is None:
        return {"count": 0, "p50": None, "p90": None, "p99": None, "max": None}
    p50, p90, p99 = row["percentiles"]
    return {"count": row["count"], "p50": p50, "p90": p90, "p99": p99, "max": row["max"]}


def _seconds(found: Figures) -> Message:
    since = found.times.since_opening
    return {
        "first_hold": since(found.orders["first_hold_at"]),
        "all_taken": since(found.all_taken_at),
        "last_verdict": since(found.intents["last_verdict_at"]),
        "last_paid": since(found.orders["last_paid_at"]),
    }


def _written(at: datetime | None) -> str | None:
    return rfc3339(at) if at else None
