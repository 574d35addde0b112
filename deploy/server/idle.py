"""The waits of connections that are merely open, which end early when the process does."""

from types import TracebackType
from typing import Any

import gevent


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
    ) -> bool:
        self._idle.pop(gevent.getcurrent(), None)
        return bool(super().__exit__(kind, value, trace))
