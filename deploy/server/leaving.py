"""Tells that the web processes are about to stop, some time before they do, so that nobody is sent there.

gunicorn's master waits and its processes serve as before; `/readyz` says 503 meanwhile, and who looks at that
(a load balancer, an orchestrator) sends new connections elsewhere. A reload replaces processes behind the
same address, and tells nothing.
"""

import mmap
import queue
import signal
import time
from typing import Any, Final

AT_ONCE: Final = (signal.SIGINT, signal.SIGQUIT)
PRESSING: Final = (signal.SIGTERM, *AT_ONCE)

_flag: Final = mmap.mmap(-1, 1)  # made in the master, and shared with all that it forks


def is_leaving() -> bool:
    """Whether this process' master was told to stop."""
    return _flag[0] != 0


def leave_before_stopping(master: Any, drain_s: float) -> None:
    """Have a master wait so long between SIGTERM and the end; a second signal cuts that short."""
    stop = master.handle_term

    def handle_term() -> None:
        _flag[0] = 1
        _wait(master, time.monotonic() + drain_s)
        stop()

    master.handle_term = handle_term


def _wait(master: Any, until: float) -> None:
    while (left_s := until - time.monotonic()) > 0:
        try:
            number = master.SIG_QUEUE.get(timeout=left_s)
        except queue.Empty:
            return
        if number in AT_ONCE:
            master.SIG_QUEUE.put_nowait(number)  # gunicorn looks for these itself while it stops
        if number in PRESSING:
            return
