"""Counts the signals that ask this process to stop."""

import signal
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopping:
    """Counts the signals to stop that this process got; one asks, a second one presses.

    A hang-up that was ignored when the process started, as under `nohup`, stays ignored. An interrupt does
    not: shells ignore it for what they start in the background, where `kill -INT` should stop it too.
    """

    def __init__(self) -> None:
        self._count = 0
        for number in SIGNALS:
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    @property
    def is_asked(self) -> bool:
        """Whether to stop."""
        return self._count > 0

    @property
    def is_pressed(self) -> bool:
        """Whether to stop without waiting for anybody."""
        return self._count > 1

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
