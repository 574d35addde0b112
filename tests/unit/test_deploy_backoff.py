"""How soon something that died is started again."""

from deploy.run.backoff import Backoff
from tests.support.clocks import Clock


def test_delays_double_up_to_five_seconds_while_it_keeps_dying() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    delays = []
    for _ in range(8):
        delays.append(backoff.died())
        clock.now += delays[-1]
        backoff.started()
    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_who_lived_for_a_while_is_started_soon_again() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    for _ in range(5):
        backoff.died()
        backoff.started()
    clock.now += 10
    assert backoff.died() == 0.2


def test_it_is_due_when_its_delay_is_over() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    seen = [(backoff.is_waiting, backoff.is_due)]
    delay_s = backoff.died()
    seen.append((backoff.is_waiting, backoff.is_due))
    clock.now += delay_s
    seen.append((backoff.is_waiting, backoff.is_due))
    backoff.started()
    seen.append((backoff.is_waiting, backoff.is_due))
    assert seen == [(False, False), (True, False), (True, True), (False, False)]
