"""A broker that is away is told of in few lines, however often it is asked."""

import pytest
from structlog.testing import capture_logs

from tasks.runtime.outage import REMIND_S, Outage
from tests.support.clocks import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_an_outage_is_a_line_at_its_beginning_and_one_at_its_end(clock: Clock) -> None:
    outage = Outage("bells", clock=clock)
    with capture_logs() as said:
        outage.end()
        for _ in range(40):
            outage.note(OSError("refused"))
            clock.now += 0.5
        outage.end()
        outage.end()
    away, back = said
    assert (away["event"], away["part"], away["error"]) == ("broker_away", "bells", "refused")
    assert (back["event"], back["failures"], back["seconds"]) == ("broker_back", 40, 20.0)


def test_an_outage_that_lasts_is_told_again_each_minute(clock: Clock) -> None:
    outage = Outage("bells", clock=clock)
    with capture_logs() as said:
        for _ in range(4):
            outage.note(OSError("refused"))
            clock.now += REMIND_S / 2
    assert [one["failures"] for one in said] == [1, 3]


def test_the_next_outage_is_one_of_its_own(clock: Clock) -> None:
    outage = Outage("bells", clock=clock)
    with capture_logs() as said:
        for _ in range(2):
            outage.note(OSError("refused"))
            outage.end()
    assert [one["event"] for one in said] == ["broker_away", "broker_back"] * 2
