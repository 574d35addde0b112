"""Standby: a ticket too late while holds are open keeps its place, and is served when units return."""

import pytest

from models.errors import AlreadyDecided
from models.live.records import Claim, ClaimCode
from models.live.store import Live
from tests.lua.line import EPOCH, Line, names, submission


def outcomes(claim: Claim) -> list[tuple[int, str]]:
    return [(one.ticket, one.outcome) for one in claim.decisions]


def sold_out_line(live: Live, *, standing_by: int, units: int = 2) -> tuple[Line, Claim]:
    """A line whose units are all held by the first, and so many behind them."""
    line = Line(live, units=units, per_shopper_limit=3)
    line.line_up(units + standing_by)
    claim = line.claimed()
    line.settle(claim)
    return line, claim


def test_who_comes_too_late_stands_by_while_holds_are_open(live: Live) -> None:
    line, claim = sold_out_line(live, standing_by=2)
    assert outcomes(claim) == [(1, "held"), (2, "held"), (3, "standby"), (4, "standby")]
    assert line.look().number("standby") == 2
    assert line.claim().code == ClaimCode.EMPTY


def test_units_that_come_home_go_to_the_oldest_standby(live: Live) -> None:
    line, claim = sold_out_line(live, standing_by=2)
    assert line.release(claim.decisions[1].intent_id) == 1
    assert outcomes(line.claimed()) == [(3, "held")]
    assert line.look().number("standby") == 1


def test_standby_goes_before_the_line(live: Live) -> None:
    line, claim = sold_out_line(live, standing_by=1)
    line.line_up(1)
    line.release(claim.decisions[0].intent_id)
    assert outcomes(line.claimed()) == [(3, "held"), (4, "standby")]


def test_a_raise_serves_standby_first(live: Live) -> None:
    line, _ = sold_out_line(live, standing_by=2)
    line.line_up(1)
    line.adjust(2)
    assert outcomes(line.claimed()) == [(3, "held"), (4, "held"), (5, "standby")]


def test_units_go_to_the_oldest_whose_request_they_suffice_for(live: Live) -> None:
    line = Line(live, units=2, per_shopper_limit=3)
    ann, bob, cid, dan = names(4)
    line.submit_all([submission(ann), submission(bob), submission(cid, quantity=2), submission(dan)])
    claim = line.claimed()
    line.release(claim.decisions[0].intent_id)
    assert outcomes(line.claimed()) == [(4, "held")]
    assert line.look().number("standby") == 1


def test_who_asks_for_more_than_can_come_back_gets_nothing_at_once(live: Live) -> None:
    line = Line(live, units=2, per_shopper_limit=9)
    line.line_up(2)
    line.line_up(1, quantity=3)
    assert outcomes(line.claimed()) == [(1, "held"), (2, "held"), (3, "sold_out")]


def test_who_can_no_longer_hope_is_told(live: Live) -> None:
    """A cut, and a sale of units, leave fewer than somebody waits for."""
    line = Line(live, units=3, per_shopper_limit=9)
    line.line_up(3)
    line.line_up(1, quantity=3)
    claim = line.claimed()
    assert outcomes(claim)[3] == (4, "standby")
    line.release(claim.decisions[0].intent_id)
    line.adjust(-1)
    assert outcomes(line.claimed()) == [(4, "sold_out")]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("ended", ("sold_out", "sale_ended")), ("cancelled", ("rejected", "sale_cancelled"))],
)
def test_the_end_of_the_sale_is_the_last_word_for_standby(
    live: Live, status: str, verdict: tuple[str, str]
) -> None:
    line, _ = sold_out_line(live, standing_by=2)
    line.set(status=status)
    assert [(one.outcome, one.reason) for one in line.claimed().decisions] == [verdict, verdict]
    assert line.look().number("standby") == 0


def test_standby_is_decided_in_claims_of_the_size_asked_for(live: Live) -> None:
    line, _ = sold_out_line(live, standing_by=5)
    line.set(status="ended")
    assert [len(line.claimed(2).decisions) for _ in range(3)] == [2, 2, 1]


def test_a_long_standby_is_gone_through_to_its_end(live: Live) -> None:
    line = Line(live, units=2, per_shopper_limit=3)
    line.line_up(2)
    line.line_up(450, quantity=2)
    (late,) = line.line_up(1)
    claim = line.claimed(1_000)
    line.release(claim.decisions[0].intent_id)
    (served,) = line.claimed(1_000).decisions
    assert (served.intent_id, served.outcome) == (late.intent_id, "held")


def test_who_stands_by_keeps_the_place_and_the_limit(live: Live) -> None:
    line, claim = sold_out_line(live, standing_by=1)
    waiting = claim.decisions[2]
    again = line.submit(waiting.user_id)
    assert (again.code, again.intent_id) == ("in_line", waiting.intent_id)
    assert line.units_of(waiting.user_id) == 1


def test_who_stands_by_may_leave_and_the_ledger_learns_of_it(live: Live) -> None:
    line, claim = sold_out_line(live, standing_by=2)
    waiting = claim.decisions[2]
    left, ring = line.live.leave(line.sale_id, EPOCH, waiting.intent_id, waiting.user_id)
    line.check()
    assert left.left_ms > 0
    assert ring
    assert line.units_of(waiting.user_id) == 0
    assert outcomes(line.claimed()) == [(3, "left")]


def test_leaving_standby_twice_is_leaving_once(live: Live) -> None:
    line, claim = sold_out_line(live, standing_by=1)
    waiting = claim.decisions[2]
    for _ in range(2):
        line.live.leave(line.sale_id, EPOCH, waiting.intent_id, waiting.user_id)
        line.check()
    assert line.look().claims == 1


def test_who_was_served_from_standby_can_no_longer_leave(live: Live) -> None:
    line, claim = sold_out_line(live, standing_by=1)
    line.release(claim.decisions[0].intent_id)
    line.claimed()
    waiting = claim.decisions[2]
    with pytest.raises(AlreadyDecided):
        line.live.leave(line.sale_id, EPOCH, waiting.intent_id, waiting.user_id)


def test_a_standby_place_is_told(live: Live) -> None:
    line, claim = sold_out_line(live, standing_by=3)
    found = [line.live.find(line.sale_id, one.intent_id) for one in claim.decisions]
    assert [one.standby_place if one else None for one in found] == [None, None, 1, 2, 3]


def test_a_standby_that_can_be_served_needs_a_bell(live: Live) -> None:
    line, claim = sold_out_line(live, standing_by=1)
    assert not line.look().needs_a_bell
    line.release(claim.decisions[0].intent_id)
    assert line.look().needs_a_bell
