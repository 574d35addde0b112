"""A worker without a consumer ends; one that was told to end is left to it."""

import threading

from workers.watchdog import EXIT_CODE, ConsumerWatchdog

WAIT_S = 20.0  # ends a test that hangs; it times nothing


def test_a_worker_whose_consumer_has_ended_ends() -> None:
    codes: list[int] = []
    states = iter([True, True, False])
    ConsumerWatchdog(period_s=0.01, grace_s=0.01, end=codes.append).watch(lambda: next(states)).join(WAIT_S)
    assert codes == [EXIT_CODE]


def test_a_worker_that_was_told_to_end_is_left_to_it() -> None:
    codes: list[int] = []
    is_consuming = threading.Event()
    is_consuming.set()
    watchdog = ConsumerWatchdog(period_s=0.01, grace_s=WAIT_S, end=codes.append)
    thread = watchdog.watch(is_consuming.is_set)
    is_consuming.clear()
    watchdog.stop()
    thread.join(WAIT_S)
    assert not thread.is_alive()
    assert codes == []
