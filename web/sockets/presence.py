"""Reports how many sockets this process has and how many watch each sale, for the control room."""

import os
import socket
import threading
from collections.abc import Callable
from typing import Final

from tasks.context import Context
from web.sockets.delivery.subscription import Watches

PERIOD_S: Final = 2.0
MOST_SALES: Final = 100  # that are reported; the others' watchers count among all sockets only


class Presence:
    """Reports this process' sockets every two seconds while it has any, and once when it has none."""

    def __init__(self, context: Context, watches: Watches, sockets: Callable[[], int]) -> None:
        self._context = context
        self._watches = watches
        self._sockets = sockets
        self._was_told = False
        self._wake = threading.Event()

    def wake(self) -> None:
        """Let `run_once` return: the process stops."""
        self._wake.set()

    def run_once(self) -> None:
        """Wait for the time, and report."""
        if self._wake.wait(PERIOD_S):
            return
        sockets = self._sockets()
        if sockets == 0 and not self._was_told:
            return
        live = self._context.live
        live.attendance.note(_name(), sockets, self._watchers(), live.now_ms())
        self._was_told = sockets > 0

    def _watchers(self) -> dict[str, int]:
        most = sorted(self._watches.all, key=lambda watch: len(watch.members), reverse=True)[:MOST_SALES]
        return {str(watch.sale_id): len(watch.members) for watch in most}


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
