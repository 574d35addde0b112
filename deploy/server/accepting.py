"""Accepts connections in a web process: at its own pace, and not before others' turn.

Python and gevent only; it runs in gunicorn's worker.
"""

import time
from typing import Any, Final

from gevent.server import StreamServer

from deploy.server.sharing import Share

GO_FIRST_S: Final = 0.005  # that a process which is ahead leaves to the others
TAKE_S: Final = 0.005  # that it then takes what they left: nobody waits for a process that is slow
FULL_PAUSE_S: Final = 0.05  # before a full process looks whether it still is


class FairServer(StreamServer):  # type: ignore[misc]  # gevent has no types
    """A server that accepts no more than its share while others are there to accept the rest."""

    max_accept = (
        64  # at once, as long as it is not ahead: a loop that is busy comes by here a few times a second only
    )

    def __init__(self, share: Share, *args: Any, **kwargs: Any) -> None:
        self._share = share
        self._yielded_at = 0.0
        super().__init__(*args, **kwargs)

    def do_read(self) -> Any:
        """Accept a connection; nothing while it is others' turn."""
        self._share.refresh()
        pause_s = FULL_PAUSE_S if self._share.is_full else self._yield_s() if self._share.is_ahead else 0.0
        if pause_s > 0:
            self._come_back(pause_s)
            return None
        return super().do_read()

    def _yield_s(self) -> float:
        """How long to let the others go first; then for a moment not at all, and so on."""
        now = time.monotonic()
        if now - self._yielded_at > GO_FIRST_S + TAKE_S:
            self._yielded_at = now
        return max(self._yielded_at + GO_FIRST_S - now, 0.0)

    def _come_back(self, pause_s: float) -> None:
        self.stop_accepting()
        self._timer = self.loop.timer(pause_s)
        self._timer.start(self._start_accepting_if_started)
