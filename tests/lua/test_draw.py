"""The lobby and its draw: open to all before the opening, put in order once, repeatable by anybody."""

import hashlib

from models.live.records import AnswerCode
from models.live.store import Live
from tests.lua.line import SEED, Line


def lobby(live: Live, order: str) -> Line:
    return Line(live, status="scheduled", admission_order=order, lobby_opens_at_ms=1)


def tickets(line: Line) -> dict[str, int]:
    return {one.intent_id: one.ticket for one in line.live.page(line.sale_id).intents}


def test_the_lobby_takes_shoppers_before_the_opening(live: Live) -> None:
    line = lobby(live, "fifo")
    assert line.line_up(1)[0].code == AnswerCode.ACCEPTED
    assert line.claim().code == "not_open"


def test_a_lobby_that_is_not_open_yet_takes_nobody(live: Live) -> None:
    line = Line(live, status="scheduled", lobby_opens_at_ms=live.now_ms() + 60_000)
    assert line.line_up(1)[0].code == AnswerCode.NOT_OPEN


def test_first_come_keeps_the_order_of_arrival(live: Live) -> None:
    line = lobby(live, "fifo")
    line.line_up(9)
    before = tickets(line)
    line.configure(2, status="open")
    assert tickets(line) == before


def test_a_draw_is_in_the_order_of_the_seed(live: Live) -> None:
    line = lobby(live, "draw")
    ids = [answer.intent_id for answer in line.line_up(20)]
    line.configure(2, status="open")
    drawn = sorted(ids, key=lambda one: hashlib.sha1(f"{SEED}:{one}".encode()).hexdigest())  # noqa: S324
    assert tickets(line) == {intent_id: place for place, intent_id in enumerate(drawn, 1)}
    assert [one.intent_id for one in line.claimed(20).decisions] == drawn


def test_the_lobby_is_drawn_once(live: Live) -> None:
    line = lobby(live, "draw")
    line.line_up(20)
    line.configure(2, status="open")
    drawn = tickets(line)
    line.configure(3, status="paused")
    line.live.configure(line.sale_id, "epoch-1", 4, {"status": "open"}, seed="another")
    assert tickets(line) == drawn


def test_who_comes_after_the_draw_stands_behind_it(live: Live) -> None:
    line = lobby(live, "draw")
    line.line_up(5)
    line.configure(2, status="open")
    (late,) = line.line_up(1)
    assert late.intent is not None
    assert late.intent.ticket == 6
    assert line.look().number("lobby_size") == 5


def test_who_left_the_lobby_takes_part_without_harm(live: Live) -> None:
    line = lobby(live, "draw")
    first, *_ = line.line_up(4)
    line.leave(first)
    line.configure(2, status="open")
    decisions = line.claimed().decisions
    assert sorted(one.outcome for one in decisions) == ["held", "held", "held", "left"]
    assert [one.ticket for one in decisions] == [1, 2, 3, 4]
