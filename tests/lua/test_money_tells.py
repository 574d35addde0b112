"""What the scripts of money leave besides units: a trace for the audit, messages for listeners, a bell."""

import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from models.errors import Fenced
from models.live.records import Decision
from models.live.store import Live
from tests.lua.line import EPOCH, Line

TOLD = '["told"]'
Verb = Callable[[Line, Decision], object]


def sell(line: Line, one: Decision) -> tuple[int, bool]:
    return line.live.sell(line.sale_id, EPOCH, [one.intent_id], TOLD)


def release(line: Line, one: Decision) -> tuple[int, bool]:
    return line.live.release(line.sale_id, EPOCH, [one.intent_id], TOLD)


def refund(line: Line, one: Decision) -> tuple[int, bool]:
    return line.live.release(line.sale_id, EPOCH, [], TOLD, refunded=[one.intent_id])


def hold_again(line: Line, one: Decision) -> object:
    return line.live.hold_again(
        line.sale_id, EPOCH, uuid.uuid4(), intent_id=one.intent_id, user_id=one.user_id, units=one.quantity
    )


VERBS: dict[str, tuple[list[Verb], Verb, list[str]]] = {
    "sell": ([], sell, [TOLD, "sold"]),
    "release": ([], release, [TOLD, "released"]),
    "refund": ([sell], refund, [TOLD, "released"]),
    "hold_again": ([release], hold_again, ["sold"]),
}


@pytest.fixture
def line(live: Live) -> Line:
    return Line(live, per_shopper_limit=9)


def held(line: Line, *, units: int = 2) -> Decision:
    """Have somebody hold units, settled."""
    line.line_up(1, quantity=units)
    claim = line.claimed()
    line.settle(claim)
    return claim.decisions[0]


@pytest.mark.parametrize("verb", VERBS)
def test_a_move_leaves_a_trace_for_the_audit(line: Line, verb: str) -> None:
    before, act, _ = VERBS[verb]
    one = held(line)
    for earlier in before:
        earlier(line, one)
    moves = line.look().number("moves")
    act(line, one)
    assert line.look().number("moves") > moves
    line.check()


def test_settling_leaves_a_trace_for_the_audit(line: Line) -> None:
    line.line_up(1)
    claim = line.claimed()
    moves = line.look().number("moves")
    line.settle(claim)
    assert line.look().number("moves") > moves


@pytest.mark.parametrize("verb", VERBS)
def test_a_move_is_told_to_its_owner_and_to_watchers(line: Line, verb: str) -> None:
    before, act, words = VERBS[verb]
    one = held(line)
    for earlier in before:
        earlier(line, one)
    with closing(line.live.client.pubsub(ignore_subscribe_messages=True)) as heard:  # type: ignore[no-untyped-call]
        heard.subscribe(line.keys.verdict_channel, line.keys.live_channel)
        heard.get_message(timeout=5)
        heard.get_message(timeout=5)
        act(line, one)
        line.live.tell(line.sale_id, "end")
        told: list[Any] = []
        while not told or told[-1] != "end":
            message = heard.get_message(timeout=5)
            assert message is not None, told
            told.append(message["data"])
    assert told == [*words, "end"]


@pytest.mark.parametrize("verb", VERBS)
def test_without_a_live_state_nothing_moves_and_it_is_said(line: Line, verb: str) -> None:
    one = held(line)
    line.live.drop(line.sale_id)
    with pytest.raises(Fenced, match="no live state"):
        VERBS[verb][1](line, one)
    assert not line.look().is_loaded


@pytest.mark.parametrize("verb", VERBS)
def test_under_another_epoch_nothing_moves(line: Line, verb: str) -> None:
    one = held(line)
    line.set(epoch="another")
    before = line.look().fields
    with pytest.raises(Fenced, match="another epoch"):
        VERBS[verb][1](line, one)
    assert line.look().fields == before


@pytest.mark.parametrize("act", [sell, release], ids=lambda one: one.__name__)
@pytest.mark.parametrize(("waits", "rings"), [("nobody", False), ("in line", True), ("standby", True)])
def test_the_bell_is_asked_for_where_somebody_waits(
    line: Line, act: Callable[[Line, Decision], tuple[int, bool]], waits: str, rings: bool
) -> None:
    one = held(line)
    if waits != "nobody":
        line.line_up(1, quantity=9)  # more than is free, and than holds leave
    if waits == "standby":
        line.claimed()
    look = line.look()
    assert (look.number("waiting"), look.number("standby")) == (
        int(waits == "in line"),
        int(waits == "standby"),
    )
    assert act(line, one) == (2, rings)


def test_the_units_of_several_are_counted_together(line: Line) -> None:
    some = [held(line, units=units) for units in (1, 2, 3)]
    ids = [one.intent_id for one in some]
    assert line.sell(*ids) == 6
    assert line.look().number("open_holds") == 0
    assert line.live.release(line.sale_id, EPOCH, ids[:1], TOLD, refunded=ids[1:])[0] == 5
    assert [line.units_of(one.user_id) for one in some] == [1, 0, 0]
    line.check()


def test_an_ended_hold_and_a_refunded_sale_come_home_in_one_step(line: Line) -> None:
    ended, first, last = (held(line, units=units) for units in (1, 2, 3))
    line.sell(first.intent_id, last.intent_id)
    units, _ = line.live.release(
        line.sale_id, EPOCH, [ended.intent_id], TOLD, refunded=[first.intent_id, last.intent_id]
    )
    assert units == 6
    number = line.look().number
    assert [number(one) for one in ("available", "held", "sold", "open_holds")] == [10, 0, 0, 0]
    line.check()


def test_who_paid_late_may_reach_the_limit_and_take_the_last_unit(live: Live) -> None:
    line = Line(live, units=3, per_shopper_limit=3)
    one = held(line, units=3)
    release(line, one)
    assert hold_again(line, one) == "sold"
    assert line.look().number("available") == 0
    line.check()
