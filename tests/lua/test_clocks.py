"""Redis' clock may be set: what was written down by the time before is bounded on both sides.

A clock that was set back is played by what lies in the future, one that was set ahead by what is long past.
"""

from typing import cast

import pytest

from models.live.keys import turn_at
from models.live.records import ClaimCode
from models.live.store import Live
from tests.lua.line import Line, submission

HOUR_MS = 3_600_000
BOTH_WAYS = pytest.mark.parametrize("by_ms", [-HOUR_MS, -20_000, 20_000, HOUR_MS])


def set_leases(line: Line, by_ms: int) -> None:
    """Move the end of every lease, as the clock's being set the other way does."""
    leases = cast(list[tuple[str, float]], line.live.client.zrange(line.keys.claims, 0, -1, withscores=True))
    line.live.client.zadd(line.keys.claims, {claim_id: end_ms + by_ms for claim_id, end_ms in leases})


@BOTH_WAYS
def test_a_claim_comes_again_when_the_clock_was_set(line: Line, by_ms: int) -> None:
    line.line_up(2)
    first = line.live.claim(line.sale_id, 10).claim
    set_leases(line, by_ms)
    assert line.look().overdue == 1
    assert line.look().needs_a_bell
    again = line.live.claim(line.sale_id, 10)
    assert (again.code, again.claim) == (ClaimCode.AGAIN, first)
    assert line.look().overdue == 0


def test_a_claim_under_lease_stays_with_its_worker(line: Line) -> None:
    line.line_up(2)
    line.claim(1, lease_ms=HOUR_MS)
    line.live.claim(line.sale_id, 1)
    assert line.live.claim(line.sale_id, 1).code == ClaimCode.EMPTY
    assert line.look().overdue == 0


def test_a_parked_claim_stays_parked_when_the_clock_was_set(line: Line) -> None:
    line.line_up(1)
    claim = line.claimed()
    line.live.client.zadd(line.keys.claims, {claim.claim_id: float("inf")})
    assert line.live.claim(line.sale_id, 10).code == ClaimCode.EMPTY
    assert (line.look().overdue, line.look().parked) == (0, 1)


@BOTH_WAYS
def test_a_bell_of_another_time_counts_as_lost(line: Line, by_ms: int) -> None:
    line.set(bell_ms=line.live.now_ms() + by_ms)
    assert line.submit_all([submission("ann")]).ring
    assert line.look().number("bell_ms") - line.live.now_ms() <= 0


@BOTH_WAYS
def test_a_turn_of_another_time_is_over(live: Live, by_ms: int) -> None:
    assert live.take_turn("something", 10_000)
    assert not live.take_turn("something", 10_000)
    live.client.incrby(turn_at("something"), by_ms)
    assert live.take_turn("something", 10_000)
    assert not live.take_turn("something", 10_000)


@BOTH_WAYS
def test_the_pace_goes_on_with_the_tokens_that_there_were(live: Live, by_ms: int) -> None:
    line = Line(live, units=100, rate_per_second=4)
    line.line_up(9)
    line.set(bucket=0, bucket_ms=live.now_ms() + by_ms)
    decided = line.claim().claim
    assert (len(decided.decisions) if decided else 0) == (1 if by_ms < 0 else 0)  # a quarter of a second's
    again = line.claim()
    assert (again.code, again.claim) == (ClaimCode.PACED, None)
    assert 0 < again.wait_ms <= 250


def test_the_observed_pace_begins_again(line: Line) -> None:
    line.line_up(1)
    line.set(pace_start_ms=line.live.now_ms() + HOUR_MS, pace_count=1_000)
    line.claimed()
    assert line.look().number("pace_start_ms") <= line.live.now_ms()
    assert line.look().number("pace_count") == 1


def test_samples_of_the_future_make_room_for_those_of_now(line: Line) -> None:
    live, now_ms = line.live, line.live.now_ms()
    for at_ms in (now_ms - 5_000, now_ms + HOUR_MS - 1_000, now_ms + HOUR_MS):
        live.client.lpush(line.keys.pulse, f"{at_ms}|0|0|0|0|0|0|0")
    assert live.pulse.take(line.sale_id)
    times = [one.at_ms for one in live.pulse.read(line.sale_id)]
    assert times == sorted(times)
    assert len(times) == 2
    assert times[-1] < now_ms + 60_000
