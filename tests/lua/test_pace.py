"""The line's pace: decisions a second and open holds stay within their bounds, on Redis' own time."""

from models.live.records import ClaimCode
from models.live.store import Live
from tests.lua.line import Line


def test_a_paced_line_decides_no_more_than_its_bucket_holds(live: Live) -> None:
    line = Line(live, units=100, rate_per_second=1)
    line.line_up(5)
    line.set(bucket=1_000, bucket_ms=live.now_ms())
    assert len(line.claimed().decisions) == 1
    again = line.claim()
    assert (again.code, again.claim) == (ClaimCode.PACED, None)
    assert 0 < again.wait_ms <= 1_000


def test_the_bucket_fills_with_time_and_not_beyond_its_brim(live: Live) -> None:
    line = Line(live, units=100, rate_per_second=40)
    line.line_up(50)
    line.set(bucket=0, bucket_ms=live.now_ms() - 3_600_000)
    assert len(line.claimed().decisions) == 10  # a quarter of a second's worth


def test_an_ended_sale_is_not_paced(live: Live) -> None:
    line = Line(live, units=100, rate_per_second=1)
    line.line_up(5)
    line.set(status="ended")
    assert len(line.claimed().decisions) == 5


def test_who_left_does_not_use_the_pace_up(live: Live) -> None:
    line = Line(live, units=100, rate_per_second=1)
    first, second, _ = line.line_up(3)
    line.leave(first)
    line.leave(second)
    line.set(bucket=1_000, bucket_ms=live.now_ms())
    assert [one.outcome for one in line.claimed().decisions] == ["left", "left", "held"]


def test_no_more_holds_are_open_than_may_be(live: Live) -> None:
    line = Line(live, units=100, max_open_holds=2)
    line.line_up(5)
    claim = line.claimed()
    assert len(claim.decisions) == 2
    assert line.claim().code == ClaimCode.FULL
    line.release(claim.decisions[0].intent_id)
    assert [one.ticket for one in line.claimed().decisions] == [3]


def test_a_full_sale_still_says_when_nothing_is_left(live: Live) -> None:
    line = Line(live, units=2, max_open_holds=2)
    line.line_up(3)
    assert [one.outcome for one in line.claimed().decisions] == ["held", "held", "standby"]
