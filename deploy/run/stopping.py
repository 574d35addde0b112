"""Counts the signals that ask this process to stop, and wakes it for them and when a child ends."""

import contextlib
import os
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
        self.wakes, pipe = os.pipe()  # readable once a signal came, so that nobody has to look for it
        for end in (self.wakes, pipe):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(pipe, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # what has no handler wakes nobody
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

    def note_wake(self) -> None:
        """Be ready for the next signal's wake."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.wakes, 512):
                pass

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
