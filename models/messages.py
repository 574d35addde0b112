"""Builds the messages that describe sales, intents and orders: one shape each, by HTTP and by socket alike.

Plain dictionaries, ready for JSON, with the API's names. Independent of the transport.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import Row

from models.enums import IntentStatus, OrderStatus, SaleStatus
from models.ids import order_id_of
from models.live.records import Answer, Claim, Decision, Found, Look
from models.tables.orders import Intent, Order, OrderEvent

Message = dict[str, Any]
MILLI: Final = 1000


def at_ms(ms: int) -> datetime:
    """Turn milliseconds since the epoch into a time."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def rfc3339(at: datetime) -> str:
    """Write a time as RFC 3339 in UTC, with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rfc3339_ms(ms: int) -> str:
    """Write milliseconds since the epoch as RFC 3339 in UTC."""
    second, rest = divmod(ms, MILLI)
    return f"{_second(second)}.{rest:03d}Z"


@lru_cache(maxsize=256)
def _second(second: int) -> str:
    """Write the part that all times of a second share: thousands of a line's intents fall into one second."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def money(amount_minor: int, currency: str) -> Message:
    """Write an amount of money."""
    return {"amount_minor": amount_minor, "currency": currency}


def position_of(ticket: int, now_serving: int) -> int:
    """Return a ticket's place in line: 1 is next, 0 is being decided."""
    return max(ticket - now_serving, 0)


def eta_seconds(position: int, pace_milli: int) -> int | None:
    """Estimate the wait from the observed pace (tickets a 1,000 seconds); None while it is unknown."""
    return -(-position * MILLI // pace_milli) if pace_milli > 0 else None


def undecided_intent(found: Found, sale_id: UUID | str) -> Message:
    """Describe an intent without a settled verdict: in the lobby, in line, on standby, or left just now.

    In the lobby, the ticket is the present place, which changes when others leave and when lots are drawn;
    while they are drawn, nobody who stood in the lobby has one.
    """
    intent = found.intent
    has_left = intent.left_ms > 0
    status, position = _place(found)
    return {
        "id": intent.intent_id,
        "sale_id": str(sale_id),
        "quantity": intent.quantity,
        "accept_fewer": intent.accept_fewer,
        "ticket": intent.ticket or None,
        "status": status,
        "position": position,
        "eta_seconds": eta_seconds(position, found.pace_milli)
        if position is not None and status == IntentStatus.QUEUED
        else None,
        "order_id": None,
        "reason": None,
        "submitted_at": rfc3339_ms(intent.submitted_ms),
        "decided_at": rfc3339_ms(intent.left_ms) if has_left else None,
    }


def _place(found: Found) -> tuple[IntentStatus, int | None]:
    if found.intent.left_ms > 0:
        return IntentStatus.LEFT, None
    if found.standby_place > 0:
        return IntentStatus.STANDBY, found.standby_place
    position = position_of(found.intent.ticket, found.now_serving) if found.intent.ticket else None
    is_lobby = found.sale_status == SaleStatus.SCHEDULED
    return IntentStatus.WAITING if is_lobby else IntentStatus.QUEUED, position


def answered_intent(answer: Answer, sale_id: UUID | str) -> Message:
    """Describe the intent that the line's answer shows.

    Raises:
        ValueError: the answer shows none.
    """
    if answer.intent is None:
        raise ValueError(f"The answer {answer.code} shows no live intent.")
    found = Found(answer.intent, 0, answer.now_serving, answer.pace_milli, answer.sale_status)
    return undecided_intent(found, sale_id)


def stored_intent(row: Intent | Row[Any]) -> Message:
    """Describe an intent that the ledger knows."""
    return {
        "id": str(row.id),
        "sale_id": str(row.sale_id),
        "quantity": row.quantity,
        "accept_fewer": row.accept_fewer,
        "ticket": row.ticket,
        "status": row.status,
        "position": None,
        "eta_seconds": None,
        "order_id": order_id_of(str(row.id)) if row.status == IntentStatus.HELD else None,
        "reason": row.reason,
        "submitted_at": rfc3339(row.submitted_at),
        "decided_at": rfc3339(row.decided_at) if row.decided_at else None,
    }


def decided_intent(decision: Decision, sale_id: UUID | str, decided_at: str) -> Message:
    """Describe an intent that a claim decided, as the ledger stored it."""
    return {
        "id": decision.intent_id,
        "sale_id": str(sale_id),
        "quantity": decision.quantity,
        "accept_fewer": decision.accept_fewer,
        "ticket": decision.ticket or None,
        "status": decision.outcome,
        "position": None,
        "eta_seconds": None,
        "order_id": order_id_of(decision.intent_id) if decision.is_held else None,
        "reason": decision.reason or None,
        "submitted_at": rfc3339_ms(decision.submitted_ms),
        "decided_at": None if decision.is_standby else decided_at,
    }


def granted_order(decision: Decision, claim: Claim, sale_id: UUID | str, decided_at: str) -> Message:
    """Describe the order that a claim granted."""
    return {
        "id": order_id_of(decision.intent_id),
        "intent_id": decision.intent_id,
        "sale_id": str(sale_id),
        "quantity": decision.granted,
        "unit_price": money(claim.price_minor, claim.currency),
        "total": money(claim.price_minor * decision.granted, claim.currency),
        "status": OrderStatus.HELD,
        "expires_at": rfc3339_ms(claim.hold_until_ms),
        "created_at": decided_at,
        "paid_at": None,
        "refunded_at": None,
        "receipt_number": None,
        "payment": None,
        "history": [{"status": OrderStatus.HELD, "at": decided_at, "reason": None}],
    }


class Change(NamedTuple):
    """An order's change of status, as it is told."""

    status: str
    at: datetime
    reason: str | None


def stored_order(
    row: Order | Row[Any], history: Iterable[OrderEvent | Change], payment: Message | None = None
) -> Message:
    """Describe an order that the ledger knows; `payment`: what the owner has to do, for them alone."""
    return {
        "id": str(row.id),
        "intent_id": str(row.intent_id),
        "sale_id": str(row.sale_id),
        "quantity": row.quantity,
        "unit_price": money(row.unit_price_minor, row.currency),
        "total": money(row.unit_price_minor * row.quantity, row.currency),
        "status": row.status,
        "expires_at": rfc3339(row.expires_at),
        "created_at": rfc3339(row.created_at),
        "paid_at": rfc3339(row.paid_at) if row.paid_at else None,
        "refunded_at": rfc3339(row.refunded_at) if row.refunded_at else None,
        "receipt_number": row.receipt_number,
        "payment": payment,
        "history": [{"status": one.status, "at": rfc3339(one.at), "reason": one.reason} for one in history],
    }


def live_sale(look: Look) -> Message:
    """Describe a sale's live fields, as the socket's `sale` message does.

    `standby_places` are pairs of ticket and place, from which everybody on standby finds their own.
    """
    return {
        "sale_id": str(look.sale_id),
        "status": look.fields.get("status", SaleStatus.SCHEDULED),
        "price": money(look.number("price_minor"), look.fields.get("currency", "")),
        "allocation": look.number("allocation"),
        "available": look.number("available"),
        "held": look.number("held"),
        "sold": look.number("sold"),
        "waiting": look.number("waiting"),
        "standby": look.number("standby"),
        "now_serving": look.number("now_serving"),
        "last_ticket": look.number("last_ticket"),
        "pace": look.number("pace_milli") / MILLI,
        "drawing": look.is_drawing,
        "standby_places": look.standby_places,
        "server_time": rfc3339_ms(look.now_ms),
    }


def verdicts(claim: Claim, decisions: Iterable[Decision], sale_id: UUID) -> bytes:
    """Pack a claim's verdicts for the hubs: `[[user's id, intent, order | null], …]`."""
    sale, decided_at = str(sale_id), rfc3339_ms(claim.decided_ms)
    return pack_told(
        (
            decision.user_id,
            decided_intent(decision, sale, decided_at),
            granted_order(decision, claim, sale, decided_at) if decision.is_held else None,
        )
        for decision in decisions
    )


def pack_told(told: Iterable[tuple[str, Mapping[str, Any] | None, Mapping[str, Any] | None]]) -> bytes:
    """Pack changed intents and orders, each with its owner, for the hubs."""
    return orjson.dumps(list(told))
