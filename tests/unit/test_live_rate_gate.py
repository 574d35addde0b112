"""How fast a socket may talk."""

from web.sockets.transport.connect_limit import ABUSE, Rate, RateGate

RATE = Rate.of("60/10 seconds")


def test_a_burst_up_to_the_limit_passes_and_one_more_does_not() -> None:
    gate = RateGate()
    assert [gate.lets_through(RATE, 100.0) for _ in range(61)] == [True] * 60 + [False]


def test_it_comes_back_with_time() -> None:
    gate = RateGate()
    for _ in range(60):
        gate.lets_through(RATE, 100.0)
    assert [gate.lets_through(RATE, 101.0) for _ in range(7)] == [True] * 6 + [False]


def test_who_goes_on_in_spite_of_refusals_abuses_it() -> None:
    gate = RateGate()
    for _ in range(60 + ABUSE):
        gate.lets_through(RATE, 100.0)
    assert not gate.is_abused
    gate.lets_through(RATE, 100.0)
    assert gate.is_abused


def test_a_pause_is_forgiven() -> None:
    gate = RateGate()
    for _ in range(60 + ABUSE):
        gate.lets_through(RATE, 100.0)
    gate.lets_through(RATE, 111.0)
    for _ in range(65):
        gate.lets_through(RATE, 111.0)
    assert not gate.is_abused


def test_without_limits_everything_passes() -> None:
    gate = RateGate()
    assert all(gate.lets_through(Rate.of("1/minute", enabled=False), 100.0) for _ in range(1000))
