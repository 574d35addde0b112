"""A worker without a consumer ends; one that was told to end is left to it."""

import threading

from workers.watchdog import EXIT_CODE, ConsumerWatchdog

WAIT_S = 20.0  # ends a test that hangs; it times nothing


def test_a_worker_whose_consumer_has_ended_ends() -> None:
    codes: list[int] = []
    states = iter([True, True, False])
    watchdog = ConsumerWatchdog(lambda: next(states), period_s=0.01, grace_s=0.01, end=codes.append)
    watchdog.start()
    assert watchdog.join(WAIT_S)
    assert codes == [EXIT_CODE]


def test_a_worker_that_was_told_to_end_is_left_to_it() -> None:
    codes: list[int] = []
    is_consuming = threading.Event()
    is_consuming.set()
    watchdog = ConsumerWatchdog(is_consuming.is_set, period_s=0.01, grace_s=WAIT_S, end=codes.append)
    watchdog.start()
    is_consuming.clear()
    watchdog.stop()
    assert watchdog.join(WAIT_S)
    assert codes == []
