"""Writes and reads the payloads of the sandbox's webhooks."""

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

import orjson

from models.tables.sandbox import SandboxCharge
from tasks.providers.port import BadSignature, Charged, Event, Outcome, State

Payload = dict[str, Any]

MOST_BYTES: Final = 64 * 1024  # of a body; ours have a few hundred
_CHARGE_KINDS: Final = {f"charge.{state}": state for state in State}
_REFUND_KINDS: Final = {f"refund.{state}": state for state in (State.SUCCEEDED, State.DECLINED)}


def new_event_id() -> str:
    """Make an event's id; copies of the event share it."""
    return f"sbx_evt_{uuid.uuid4().hex}"


def refund_ref(refund_id: UUID) -> str:
    """Return the sandbox's own reference of a refund."""
    return f"sbx_re_{refund_id.hex}"


def charge_payload(
    row: SandboxCharge, state: State, code: str | None, *, event_id: str, at: datetime
) -> Payload:
    """Write the payload for a charge's new state."""
    data = {
        "payment_id": str(row.payment_id),
        "order_id": str(row.order_id),
        "ref": row.ref,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "state": state.value,
        "code": code,
    }
    return _payload(f"charge.{state}", data, event_id, at)


def refund_payload(
    row: SandboxCharge, refund_id: UUID, outcome: Outcome, *, event_id: str, at: datetime
) -> Payload:
    """Write the payload for a refund's new state."""
    data = {
        "refund_id": str(refund_id),
        "payment_id": str(row.payment_id),
        "charge_ref": row.ref,
        "ref": outcome.ref,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "state": outcome.state.value,
        "code": outcome.code,
    }
    return _payload(f"refund.{outcome.state}", data, event_id, at)


def read_payload(body: bytes) -> Event:
    """Read a body whose signature is known to be good. An unknown kind reports nothing.

    Raises:
        BadSignature: it does not have the shape of the sandbox's webhooks.
    """
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadSignature("The body is not JSON.") from error
    _require(told, _EVENT_SHAPE)
    kind, data = told["type"], told["data"]
    if state := _CHARGE_KINDS.get(kind):
        _require(data, {**_MONEY_SHAPE, "order_id": _is_id, "state": _is_exactly(state)})
        charged = Charged(Fraction(data["amount_minor"]), data["currency"])
        outcome = Outcome(
            state,
            ref=data["ref"],
            code=data["code"],
            charged=charged if state == State.SUCCEEDED else None,
        )
        return Event(told["id"], kind, payment_id=UUID(data["payment_id"]), outcome=outcome)
    if state := _REFUND_KINDS.get(kind):
        also = {"refund_id": _is_id, "charge_ref": _is_ref, "state": _is_exactly(state)}
        _require(data, {**_MONEY_SHAPE, **also})
        outcome = Outcome(state, ref=data["ref"], code=data["code"])
        return Event(told["id"], kind, refund_id=UUID(data["refund_id"]), outcome=outcome)
    return Event(told["id"], kind)


def _payload(kind: str, data: Payload, event_id: str, at: datetime) -> Payload:
    return {"id": event_id, "type": kind, "created": int(at.timestamp()), "data": data}


Check = Callable[[Any], bool]


def _matches(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _is_exactly(state: State) -> Check:
    return lambda value: value == state.value


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


_is_id: Final = _matches(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_is_ref: Final = _matches(r"[a-z0-9_]{1,64}")

_EVENT_SHAPE: Final[Mapping[str, Check]] = {
    "id": _matches(r"[A-Za-z0-9_]{1,64}"),
    "type": _matches(r"[a-z0-9_.]{1,64}"),
    "created": _is_count,
    "data": lambda value: isinstance(value, dict),
}
_MONEY_SHAPE: Final[Mapping[str, Check]] = {
    "payment_id": _is_id,
    "ref": _is_ref,
    "amount_minor": _is_count,
    "currency": _matches(r"[A-Z]{3}"),
    "code": lambda value: value is None or _is_ref(value),
}


def _require(value: Any, shape: Mapping[str, Check]) -> None:
    if not isinstance(value, dict) or value.keys() != shape.keys():
        raise BadSignature("The body is not a webhook of the sandbox: other fields.")
    if wrong := [name for name, check in shape.items() if not check(value[name])]:
        raise BadSignature(f"The body is not a webhook of the sandbox: {', '.join(wrong)}.")
