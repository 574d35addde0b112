"""What is told of intents and sales has the contract's shape, by every way of telling."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest

from models.ids import new_intent_id, order_id_of
from models.live.records import Answer, AnswerCode, Claim, Decision, Found, LiveIntent, Look
from models.messages import (
    answered_intent,
    decided_intent,
    eta_seconds,
    granted_order,
    live_sale,
    position_of,
    rfc3339,
    rfc3339_ms,
    stored_intent,
    undecided_intent,
    verdicts,
)
from models.tables.orders import Intent

SALE = uuid.uuid4()
INTENT_FIELDS = {
    "id",
    "sale_id",
    "quantity",
    "accept_fewer",
    "ticket",
    "status",
    "position",
    "eta_seconds",
    "order_id",
    "reason",
    "submitted_at",
    "decided_at",
}
AT = datetime(2030, 1, 2, 3, 4, 5, 678_000, UTC)
AT_MS = int(AT.timestamp() * 1000)


def in_line(ticket: int = 7, left_ms: int = 0) -> LiveIntent:
    return LiveIntent(str(new_intent_id(1)), str(uuid.uuid4()), ticket, 2, False, AT_MS, left_ms)


def decided(outcome: str = "held", granted: int = 2, reason: str = "") -> Decision:
    return Decision(str(new_intent_id(1)), str(uuid.uuid4()), 7, 2, False, AT_MS, outcome, reason, granted)


def test_times_are_told_in_utc_with_milliseconds() -> None:
    assert rfc3339(AT) == rfc3339_ms(AT_MS) == "2030-01-02T03:04:05.678Z"
    assert rfc3339(AT.astimezone(timezone(timedelta(hours=5)))) == "2030-01-02T03:04:05.678Z"


def test_position_1_is_next_and_never_negative() -> None:
    assert [position_of(ticket, 6) for ticket in (7, 9, 6, 2)] == [1, 3, 0, 0]


def test_the_wait_is_rounded_up_and_unknown_without_a_pace() -> None:
    assert eta_seconds(10, 3_000) == 4
    assert eta_seconds(0, 3_000) == 0
    assert eta_seconds(10, 0) is None


def test_an_intent_in_line_tells_its_place() -> None:
    told = undecided_intent(Found(in_line(), 0, 4, 1_000, "open"), SALE)
    assert set(told) == INTENT_FIELDS
    assert (told["status"], told["position"], told["eta_seconds"]) == ("queued", 3, 3)
    assert told["decided_at"] is None


def test_an_intent_in_the_lobby_waits() -> None:
    assert undecided_intent(Found(in_line(), 0, 0, 0, "scheduled"), SALE)["status"] == "waiting"


def test_an_intent_on_standby_tells_its_place_and_promises_no_time() -> None:
    told = undecided_intent(Found(in_line(), 2, 9, 1_000, "open"), SALE)
    assert (told["status"], told["position"], told["eta_seconds"]) == ("standby", 2, None)


def test_an_intent_that_left_has_no_place() -> None:
    told = undecided_intent(Found(in_line(left_ms=AT_MS), 0, 0, 1_000, "open"), SALE)
    assert (told["status"], told["position"], told["eta_seconds"]) == ("left", None, None)
    assert told["decided_at"] == "2030-01-02T03:04:05.678Z"


def test_an_answer_without_an_intent_cannot_be_told() -> None:
    with pytest.raises(ValueError, match="shows no live intent"):
        answered_intent(Answer(AnswerCode.OVER, "", None, 0, 0, 0, "ended"), SALE)


def test_a_verdict_is_told_alike_from_the_claim_and_from_the_ledger() -> None:
    decision = decided("rejected", 0, "sale_cancelled")
    row = Intent(
        id=uuid.UUID(decision.intent_id),
        sale_id=SALE,
        user_id=uuid.UUID(decision.user_id),
        ticket=7,
        quantity=2,
        accept_fewer=False,
        status="rejected",
        reason="sale_cancelled",
        submitted_at=AT,
        decided_at=AT,
    )
    assert decided_intent(decision, SALE, rfc3339(AT)) == stored_intent(row)
    assert set(stored_intent(row)) == INTENT_FIELDS


def test_a_granted_order_is_priced_by_the_claim() -> None:
    decision = decided(granted=2)
    claim = Claim("c", "e", AT_MS, 1_999, "USD", AT_MS + 600_000, (decision,))
    order = granted_order(decision, claim, SALE, rfc3339(AT))
    assert order["total"] == {"amount_minor": 3_998, "currency": "USD"}
    assert order["expires_at"] == "2030-01-02T03:14:05.678Z"
    assert [one["status"] for one in order["history"]] == ["held"]


def test_verdicts_name_their_owner_and_carry_orders_of_holders_only() -> None:
    won, lost = decided(), decided("sold_out", 0)
    claim = Claim("c", "e", AT_MS, 1_999, "USD", AT_MS, (won, lost))
    told = orjson.loads(verdicts(claim, claim.decisions, SALE))
    assert [one[0] for one in told] == [won.user_id, lost.user_id]
    assert told[0][2]["id"] == told[0][1]["order_id"] == order_id_of(won.intent_id)
    assert (told[1][1]["order_id"], told[1][2]) == (None, None)


def test_a_live_sale_adds_up() -> None:
    fields = {"status": "open", "allocation": "5", "available": "2", "held": "3", "currency": "USD"}
    told = live_sale(Look(SALE, AT_MS, 0, 0, 0, 0, fields))
    assert told["allocation"] == told["available"] + told["held"] + told["sold"]
    assert told["server_time"] == "2030-01-02T03:04:05.678Z"
