"""The end of a run whose time is up: a load tool ends by itself, whatever it hangs in."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from benchmarks.harness.failures import CannotMeasure


@contextmanager
def cut_off_after(seconds: float) -> Iterator[None]:
    """End the run when its time is up, wherever it is; a signal to end it does so as well, in order."""

    def on_alarm(_number: int, _frame: FrameType | None) -> None:
        raise CannotMeasure(f"The run was not over after {seconds:.0f} s.")

    def on_end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before: list[tuple[int, Any]] = [
        (number, signal.signal(number, handler))
        for number, handler in ((signal.SIGALRM, on_alarm), (signal.SIGTERM, on_end))
    ]
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before:
            signal.signal(number, handler)
