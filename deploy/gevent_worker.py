"""Owns how a web process ends: its sockets are told, its idle connections closed, its requests finished.

gunicorn's own gevent worker waits for every open connection until the graceful timeout, as it cannot tell a
browser that is merely connected from one that waits for an answer.
"""

from types import TracebackType
from typing import Any, Final

import gevent
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]

GOODBYE_S: Final = 5.0  # for the hub to send its sockets away
POLL_S: Final = 0.1  # a signal handler must not switch greenlets, so the flag it sets is looked at


class IdleTimeout(gevent.Timeout):  # type: ignore[misc]  # gevent has no types
    """Bounds a connection's wait for its next request, and can be made to expire early."""

    def __init__(self, seconds: float, idle: "dict[Any, IdleTimeout]") -> None:
        super().__init__(seconds, False)
        self._idle = idle

    def __enter__(self) -> "IdleTimeout":
        self._idle[gevent.getcurrent()] = self
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._idle.pop(gevent.getcurrent(), None)
        is_suppressed: bool | None = super().__exit__(kind, value, trace)
        return is_suppressed


class DrainingWorker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    """A gevent worker that stops within two seconds when no request is in progress."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle: dict[Any, IdleTimeout] = {}
        self._goodbye: Any = None

    def timeout_ctx(self) -> IdleTimeout:
        """The context that gunicorn enters around each wait for a request, and only there."""
        return IdleTimeout(self.cfg.keepalive, self._idle)

    def run(self) -> None:
        """Serve until told to stop."""
        gevent.spawn(self._drain_when_told)
        super().run()
        self._say_goodbye()
        self._goodbye.join(GOODBYE_S)

    def _drain_when_told(self) -> None:
        while self.alive:
            gevent.sleep(POLL_S)
        self._say_goodbye()
        while True:
            gevent.get_hub().loop.run_callback(self._close_idle)
            gevent.sleep(POLL_S)

    def _say_goodbye(self) -> None:
        """Have the hub send its sockets away; gunicorn, which knows nothing of them, would exit meanwhile."""
        if self._goodbye is None:
            hub = getattr(self.wsgi, "extensions", {}).get("hub")
            self._goodbye = gevent.spawn(hub.close if hub is not None else lambda: None)

    def _close_idle(self) -> None:
        """End the waits as if their time were over; in gevent's hub, where nothing comes between."""
        for greenlet, timeout in list(self._idle.items()):
            if self._idle.get(greenlet) is timeout:
                greenlet.throw(timeout)
