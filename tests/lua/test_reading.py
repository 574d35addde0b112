"""look and page: snapshots of a line that change nothing."""

import uuid

from models.live.queries import Fate
from models.live.records import Answer
from models.live.store import Live
from tests.lua.line import Line


def tickets(line: Line, before: int = 0, limit: int = 50) -> list[int]:
    return [intent.ticket for intent in line.live.page(line.sale_id, before=before, limit=limit).intents]


def test_a_sale_without_live_state_is_seen_as_such(live: Live) -> None:
    look = live.look(uuid.uuid4())
    assert not look.is_loaded
    assert look.is_quiet
    assert not look.needs_a_bell


def test_a_line_that_moves_needs_a_bell(line: Line) -> None:
    assert not line.look().needs_a_bell
    line.line_up(1)
    assert line.look().needs_a_bell
    line.set(status="paused")
    assert not line.look().needs_a_bell
    line.set(status="ended")
    assert line.look().needs_a_bell


def test_an_overdue_claim_needs_a_bell_even_in_a_paused_sale(line: Line) -> None:
    line.line_up(1)
    line.claimed()
    line.set(status="paused")
    assert not line.look().needs_a_bell
    line.expire_leases()
    look = line.look()
    assert (look.overdue, look.needs_a_bell, look.is_quiet) == (1, True, False)


def test_pages_go_down_from_the_newest_ticket(line: Line) -> None:
    line.line_up(7)
    assert tickets(line, limit=3) == [7, 6, 5]
    assert tickets(line, before=5, limit=3) == [4, 3, 2]
    assert tickets(line, before=2, limit=3) == [1]
    assert tickets(line, before=1, limit=3) == []


def test_pages_end_where_the_line_begins(line: Line) -> None:
    line.line_up(7)
    line.claimed(4)
    assert tickets(line, limit=2) == [7, 6]
    assert tickets(line, before=6, limit=2) == [5]
    assert tickets(line, before=5, limit=2) == []
    assert tickets(line, before=3, limit=2) == []


def test_a_page_that_began_before_new_tickets_came_goes_on_where_it_was(line: Line) -> None:
    line.line_up(4)
    assert tickets(line, limit=2) == [4, 3]
    line.line_up(3)
    assert tickets(line, before=3, limit=2) == [2, 1]


def test_a_page_of_an_empty_line_is_empty(line: Line) -> None:
    assert tickets(line) == []
    assert line.live.page(uuid.uuid4()).status == ""


def stand_by(line: Line, count: int) -> list[Answer]:
    """Have the ten units held, and so many stand by behind them."""
    line.line_up(10)
    standing = line.line_up(count)
    line.settle(line.claimed(1000))
    return standing


def test_everybody_of_a_short_standby_is_marked_with_ticket_and_place(line: Line) -> None:
    standing = stand_by(line, 5)
    line.leave(standing[1])
    assert line.look().standby_places == ((11, 1), (13, 2), (14, 3), (15, 4))


def test_a_long_standby_is_marked_at_its_head_and_evenly_to_its_end(line: Line) -> None:
    stand_by(line, 400)
    marks = line.look().standby_places
    assert marks[:8] == tuple((place + 10, place) for place in range(1, 9))
    assert [place for _, place in marks[8:]] == [57, 106, 155, 204, 253, 302, 351, 400]
    assert all(ticket == place + 10 for ticket, place in marks)


def test_nobody_on_standby_leaves_no_marks(line: Line) -> None:
    line.line_up(2)
    assert line.look().standby_places == ()


def users(answers: list[Answer]) -> list[str]:
    return [answer.intent.user_id for answer in answers if answer.intent is not None]


def test_who_of_many_stands_in_line_or_stands_by_is_found_as_one_by_one(live: Live) -> None:
    line = Line(live, units=2)
    shoppers = users(line.line_up(5))
    line.claimed(4)  # two hold, two stand by, one stands in line
    standing = line.live.standing_of_each(line.sale_id, [*shoppers, "nobody"])
    assert {user: found.standby_place for user, found in standing.of.items()} == dict(
        zip(shoppers[2:], (1, 2, 0), strict=True)
    )
    for user, found in standing.of.items():
        assert found == line.live.find(line.sale_id, found.intent.intent_id)
        assert found.intent.user_id == user


def test_many_are_found_in_one_snapshot_as_one_by_one(live: Live) -> None:
    line = Line(live, units=2)
    ids = [answer.intent_id for answer in line.line_up(5)]
    line.settle(line.claimed(4))  # two are settled, two stand by, one stands in line
    found = line.live.find_each(line.sale_id, ["unknown", *ids])
    assert {one: found[one].standby_place for one in found} == dict(zip(ids[2:], (1, 2, 0), strict=True))
    assert found == {one: line.live.find(line.sale_id, one) for one in found}


def test_a_line_says_whether_anybody_was_decided(live: Live) -> None:
    line = Line(live)
    line.line_up(2)
    assert line.live.standing_of_each(line.sale_id, ["nobody"]).none_is_decided
    line.claimed(1)
    assert not line.live.standing_of_each(line.sale_id, ["nobody"]).none_is_decided
    assert not live.standing_of_each(uuid.uuid4(), ["nobody"]).none_is_decided  # it may have been lost


def test_the_line_knows_how_far_an_intent_has_come(live: Live) -> None:
    line = Line(live, units=1)
    ids = [answer.intent_id for answer in line.line_up(3)]
    claim = line.claimed(2)
    assert line.live.now_serving(line.sale_id) == 2
    assert line.live.fates_of(line.sale_id, ids) == dict(
        zip(ids, (Fate.OPEN, Fate.STANDBY, Fate.OPEN), strict=True)
    )
    line.settle(claim)
    assert line.live.fates_of(line.sale_id, ids) == dict(
        zip(ids, (Fate.SETTLED, Fate.STANDBY, Fate.OPEN), strict=True)
    )
    assert line.live.fates_of(line.sale_id, ["unknown"]) == {"unknown": Fate.SETTLED}
