"""The lobby and its draw: open to all before the opening, put in order once, repeatable by anybody."""

import hashlib
from uuid import UUID

import pytest

from models.live.records import AnswerCode, ClaimCode
from models.live.store import LOTS_AT_ONCE, Live
from tests.lua.line import SEED, Line, names


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


@pytest.mark.parametrize("order", ["fifo", "draw"])
def test_who_left_the_lobby_is_gone_from_it_and_the_ledger_learns_of_it(live: Live, order: str) -> None:
    line = lobby(live, order)
    first, *others = line.line_up(4)
    line.leave(first)
    look = line.look()
    assert (look.line_length, look.number("last_ticket"), look.departed) == (3, 3, 1)
    assert look.needs_a_bell
    (gone,) = line.claimed().decisions
    assert (gone.intent_id, gone.outcome, gone.ticket) == (first.intent_id, "left", 0)
    assert line.look().departed == 0
    line.configure(2, status="open")
    decisions = line.claimed().decisions
    assert [(one.ticket, one.outcome) for one in decisions] == [(1, "held"), (2, "held"), (3, "held")]
    assert {one.intent_id for one in decisions} == {one.intent_id for one in others}


def test_who_left_is_found_until_the_ledger_knows(live: Live) -> None:
    line = lobby(live, "fifo")
    answer, *_ = line.line_up(2)
    line.leave(answer)
    before = line.live.find(line.sale_id, answer.intent_id)
    claim = line.claimed()
    for found in (before, line.live.find(line.sale_id, answer.intent_id)):
        assert found is not None
        assert (found.intent.left_ms > 0, found.intent.ticket) == (True, 0)
    line.settle(claim)
    assert line.live.find(line.sale_id, answer.intent_id) is None
    assert line.live.client.hlen(line.keys.intents) == 1


def test_places_in_the_lobby_close_up_when_others_leave(live: Live) -> None:
    line = lobby(live, "fifo")
    first, second, third = line.line_up(3)
    line.leave(first)
    (last,) = line.line_up(1)
    assert [answer.intent and answer.intent.ticket for answer in (second, third, last)] == [2, 3, 3]
    found = [line.live.find(line.sale_id, one.intent_id) for one in (second, third, last)]
    assert [one and one.intent.ticket for one in found] == [1, 2, 3]
    users = [one.intent.user_id for one in (second, third, last) if one.intent]
    standing = line.live.standing_of_each(line.sale_id, users).of
    assert [standing[user].intent.ticket for user in users] == [1, 2, 3]
    again = line.submit(users[1])
    assert (again.code, again.intent and again.intent.ticket) == (AnswerCode.IN_LINE, 2)


def test_comings_and_leavings_leave_nothing_behind(live: Live) -> None:
    line = lobby(live, "draw")
    line.line_up(3)
    sizes = []
    for _ in range(2):
        for user in names(20):
            line.leave(line.submit(user))
        while (claim := line.claim().claim) is not None:
            line.settle(claim)
        client, keys = line.live.client, line.keys
        sizes.append([client.hlen(keys.intents), client.zcard(keys.lobby), client.hlen(keys.claimed)])
    assert sizes == [[3, 3, 0], [3, 3, 0]]


def test_tickets_of_a_line_go_on_behind_those_of_the_lobby(live: Live) -> None:
    line = lobby(live, "draw")
    line.line_up(7)
    line.configure(2, status="open")
    line.line_up(4)
    everybody = sorted(tickets(line).values())
    assert everybody == list(range(1, 12))
    pages = [line.live.page(line.sale_id, before=before, limit=3).intents for before in (0, 9, 6, 3)]
    assert [[one.ticket for one in page] for page in pages] == [[11, 10, 9], [8, 7, 6], [5, 4, 3], [2, 1]]
    first = line.claimed(2).decisions + line.claimed(6).decisions
    assert [one.ticket for one in first] == list(range(1, 9))
    assert sorted(tickets(line).values()) == [9, 10, 11]


def test_who_leaves_a_drawn_lobby_keeps_the_number_and_is_passed_over(live: Live) -> None:
    line = lobby(live, "draw")
    answers = line.line_up(5)
    line.configure(2, status="open")
    placed = tickets(line)
    gone = next(one for one in answers if placed[one.intent_id] == 2)
    line.leave(gone)
    assert tickets(line) == placed
    outcomes = [(one.ticket, one.outcome) for one in line.claimed().decisions]
    assert outcomes == [(1, "held"), (2, "left"), (3, "held"), (4, "held"), (5, "held")]


class Interrupted(Live):
    """A process that dies when the lobby has been closed."""

    def draw(self, sale_id: UUID) -> None:
        """Nothing more is done."""


def test_a_drawing_that_was_interrupted_is_gone_on_with_and_nobody_is_served_before(live: Live) -> None:
    line = lobby(live, "draw")
    ids = [answer.intent_id for answer in line.line_up(40)]
    line.live = Interrupted(live.client)
    line.configure(2, status="open")
    assert line.live._scripts.run("draw", [line.keys.state, line.keys.lobby], [15, "told"]) == 25
    assert line.claim().code == ClaimCode.DRAWING
    look = line.look()
    assert (look.is_drawing, look.needs_a_bell) == (True, True)
    (late,) = line.line_up(1)
    assert late.intent is not None
    assert late.intent.ticket == 41
    found = [line.live.find(line.sale_id, one) for one in (*ids, late.intent_id)]
    assert [one and one.intent.ticket for one in found] == [0] * 40 + [41]
    line.live = live
    line.live.draw(line.sale_id)
    drawn = sorted(ids, key=lambda one: hashlib.sha1(f"{SEED}:{one}".encode()).hexdigest())  # noqa: S324
    assert [one.intent_id for one in line.claimed(50).decisions] == [*drawn, late.intent_id]


@pytest.mark.parametrize("size", [1, 2, LOTS_AT_ONCE, 2 * LOTS_AT_ONCE, 2 * LOTS_AT_ONCE + 1])
def test_a_lobby_of_any_size_is_drawn_to_its_end(live: Live, size: int) -> None:
    line = lobby(live, "draw")
    ids = [answer.intent_id for batch in batches(size) for answer in line.line_up(batch)]
    line.configure(2, status="open")
    assert not line.look().is_drawing
    drawn = sorted(ids, key=lambda one: hashlib.sha1(f"{SEED}:{one}".encode()).hexdigest())  # noqa: S324
    assert line.live.client.zrange(line.keys.lobby, 0, -1) == drawn


def batches(size: int) -> list[int]:
    return [500] * (size // 500) + ([size % 500] if size % 500 else [])


def test_the_seed_is_not_in_redis_before_the_lobby_is_closed_nor_after_the_draw(live: Live) -> None:
    line = lobby(live, "draw")
    line.line_up(3)
    line.configure(2, price_minor=5)
    assert SEED not in line.look().fields.values()
    line.configure(3, status="open")
    assert SEED not in line.look().fields.values()


def test_an_order_that_changes_while_the_lobby_is_open_holds(live: Live) -> None:
    line = lobby(live, "draw")
    ids = [answer.intent_id for answer in line.line_up(9)]
    line.configure(2, admission_order="fifo")
    line.configure(3, status="open")
    assert [one.intent_id for one in line.claimed().decisions] == ids


def test_a_sale_that_is_cancelled_in_its_lobby_tells_everybody(live: Live) -> None:
    line = lobby(live, "draw")
    first, *_ = line.line_up(4)
    line.leave(first)
    line.configure(2, status="cancelled")
    told = sorted((one.ticket, one.outcome) for one in line.claimed().decisions)
    assert told == [(0, "left"), (1, "rejected"), (2, "rejected"), (3, "rejected")]
