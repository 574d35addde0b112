"""Waits by polling a claim until it holds or a deadline passes; nothing sleeps for a guess."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

DEADLINE_S: Final = 30.0  # generous: it ends a hopeless wait, it times nothing
STEP_S: Final = 0.02

T = TypeVar("T")


def eventually(
    claim: Callable[[], T], deadline_s: float = DEADLINE_S, *, told: Callable[[], object] | None = None
) -> T:
    """Poll until `claim` gives something true, and return that.

    Raises:
        AssertionError: it did not in time; `told` says what was found instead.
    """
    until = time.monotonic() + deadline_s
    while not (found := claim()):
        if time.monotonic() > until:
            raise AssertionError(f"Not within {deadline_s} s: {told() if told else found!r}")
        time.sleep(STEP_S)
    return found
