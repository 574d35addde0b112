"""claim.lua: tickets are decided once, in order, and a claim outlives the worker that took it."""

import pytest

from models.live.records import Claim, ClaimCode
from models.live.store import MAX_TRIES, Live
from tests.lua.line import Line, names, submission
from tests.support.verdicts import got_nothing


def tickets(claim: Claim) -> list[int]:
    return [decision.ticket for decision in claim.decisions]


def granted(claim: Claim) -> list[int]:
    return [decision.granted for decision in claim.decisions]


def test_tickets_are_decided_from_the_head(line: Line) -> None:
    line.line_up(8)
    assert tickets(line.claimed(3)) == [1, 2, 3]
    assert tickets(line.claimed(3)) == [4, 5, 6]
    assert tickets(line.claimed(3)) == [7, 8]
    assert line.claim(3).code == ClaimCode.EMPTY


def test_no_ticket_is_decided_that_too_few_replicas_have(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[tuple[ClaimCode, list[int]]] = []
    line.line_up(5)
    for kept in (0, 2, 0, 0, 5):  # 0: they do not answer, and what they had before is decided yet
        monkeypatch.setattr(line.live.replicas, "kept_ticket", lambda _, kept=kept: kept)
        reply = line.claim(1 if kept == 2 else 100)
        found.append((reply.code, tickets(reply.claim) if reply.claim else []))
    ahead, fresh = ClaimCode.AHEAD, ClaimCode.FRESH
    assert found == [(ahead, []), (fresh, [1]), (fresh, [2]), (ahead, []), (fresh, [3, 4, 5])]


def test_the_first_get_the_units_and_the_rest_get_nothing(live: Live) -> None:
    line = Line(live, units=3)
    line.line_up(5)
    decisions = line.claimed().decisions
    assert [one.is_held for one in decisions] == [True, True, True, False, False]
    assert all(got_nothing(one.outcome) for one in decisions[3:])
    assert line.look().number("available") == 0


def test_a_smaller_request_behind_a_too_big_one_is_granted(live: Live) -> None:
    line = Line(live, units=3, per_shopper_limit=5)
    ann, bob, cid = names(3)
    line.submit_all([submission(ann, quantity=2), submission(bob, quantity=2), submission(cid, quantity=1)])
    assert granted(line.claimed()) == [2, 0, 1]


def test_who_accepts_fewer_gets_what_is_left(live: Live) -> None:
    line = Line(live, units=3, per_shopper_limit=5)
    ann, bob, cid = names(3)
    line.submit_all(
        [
            submission(ann, quantity=2),
            submission(bob, quantity=5, accept_fewer=True),
            submission(cid, quantity=1, accept_fewer=True),
        ]
    )
    claim = line.claimed()
    assert granted(claim) == [2, 1, 0]
    assert [line.units_of(user) for user in (ann, bob, cid)] == [2, 1, 1]  # cid stands by for one


def test_who_left_is_passed_over_and_takes_no_unit(live: Live) -> None:
    line = Line(live, units=1)
    first, _second = line.line_up(2)
    line.leave(first)
    claim = line.claimed()
    assert [one.outcome for one in claim.decisions] == ["left", "held"]
    assert granted(claim) == [0, 1]


def test_the_price_and_the_deadline_are_those_of_the_verdict(line: Line) -> None:
    line.line_up(1)
    line.set(price_minor=55, hold_ms=1_000)
    claim = line.claimed()
    assert claim.price_minor == 55
    assert claim.hold_until_ms - claim.decided_ms == 1_000


def test_an_overdue_claim_comes_first_and_is_the_same(line: Line) -> None:
    line.line_up(6)
    first = line.claimed(2)
    line.expire_leases()
    again = line.claim(2)
    assert again.code == ClaimCode.AGAIN
    assert again.claim == first
    assert tickets(line.claimed(2)) == [3, 4]


def test_the_same_claim_id_gives_the_same_claim(line: Line) -> None:
    line.line_up(4)
    first = line.claim(2, claim_id="mine")
    again = line.claim(2, claim_id="mine")
    assert first.claim == again.claim
    assert line.look().number("now_serving") == 2


def test_a_claim_that_nobody_finishes_is_parked_and_its_units_stay_held(line: Line) -> None:
    line.line_up(3)
    first = line.claimed()
    for _ in range(MAX_TRIES - 1):
        line.expire_leases()
        assert line.claim().claim == first
    line.expire_leases()
    given_up = line.claim()
    assert (given_up.code, given_up.parked) == (ClaimCode.EMPTY, 1)
    look = line.look()
    assert (look.parked, look.number("held")) == (1, 3)
    assert line.claim().code == ClaimCode.EMPTY


def test_a_parked_claim_does_not_stop_the_line(line: Line) -> None:
    line.line_up(1)
    line.claimed()
    for _ in range(MAX_TRIES):
        line.expire_leases()
        line.claim()
    line.line_up(1)
    assert tickets(line.claimed()) == [2]


@pytest.mark.parametrize("status", ["paused", "scheduled"])
def test_a_sale_that_is_not_open_hands_out_nothing_new(line: Line, status: str) -> None:
    line.line_up(2)
    line.set(status=status)
    assert line.claim().code == ClaimCode.NOT_OPEN
    assert line.look().line_length == 2


def test_a_paused_sale_still_hands_out_what_was_decided(line: Line) -> None:
    line.line_up(1)
    first = line.claimed()
    line.set(status="paused")
    line.expire_leases()
    assert line.claim().claim == first


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("ended", ("sold_out", "sale_ended", 0)), ("cancelled", ("rejected", "sale_cancelled", 0))],
)
def test_a_sale_that_is_over_answers_the_rest(line: Line, status: str, verdict: tuple[str, str, int]) -> None:
    line.line_up(2)
    line.set(status=status)
    decisions = line.claimed().decisions
    assert {(one.outcome, one.reason, one.granted) for one in decisions} == {verdict}
    assert line.look().number("available") == 10


def test_a_sale_without_live_state_hands_out_nothing(line: Line) -> None:
    line.live.client.flushdb()
    assert line.live.claim(line.sale_id, 10).code == ClaimCode.MISSING


def test_a_thousand_tickets_are_claimed_at_once(live: Live) -> None:
    line = Line(live, units=10_000)
    for _ in range(4):
        line.line_up(250)
    assert tickets(line.claimed(1_000)) == list(range(1, 1_001))


def test_the_pace_is_observed_over_a_second(line: Line) -> None:
    line.line_up(4)
    line.claimed(2)
    line.set(pace_start_ms=line.live.now_ms() - 2_000)
    line.claimed(2)
    pace = line.look().number("pace_milli")
    assert 1_000 <= pace <= 2_000  # four tickets in two seconds, or a little more on a slow machine
