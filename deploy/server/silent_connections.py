"""Limits connections that send nothing, for each network: one too many closes the oldest.

Nobody is kept out by that: a client that wants something sends it at once. Python and gevent only.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import gevent

MOST_SILENT: Final = 512  # in this process

_MAPPED: Final = bytes(10) + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class _Waiting:
    greenlet: Any
    is_silent: Callable[[], bool]


class Silence:
    """The connections that have sent nothing yet. `let_go` gets, in gevent's hub, a greenlet and its wait."""

    def __init__(self, let_go: Callable[[Any, Any], None]) -> None:
        self._let_go = let_go
        self._by_network: dict[bytes, dict[Any, _Waiting]] = {}

    @contextmanager
    def of(self, address: Any, wait: Any, is_silent: Callable[[], bool]) -> Iterator[None]:
        """Count the present greenlet's connection while it waits.

        `is_silent` tells whether it still has sent nothing: a busy process may not have looked yet.
        """
        network = network_of(address)
        waiting = self._by_network.setdefault(network, {})
        self._make_room(waiting)
        waiting[wait] = _Waiting(gevent.getcurrent(), is_silent)
        try:
            yield
        finally:
            waiting.pop(wait, None)
            if not waiting and self._by_network.get(network) is waiting:
                del self._by_network[network]

    def _make_room(self, waiting: "dict[Any, _Waiting]") -> None:
        """Let the oldest go if there are too many; connections that have spoken meanwhile no longer count."""
        while len(waiting) >= MOST_SILENT:
            wait = next(iter(waiting))
            oldest = waiting.pop(wait)
            if oldest.is_silent():
                gevent.get_hub().loop.run_callback(self._let_go, oldest.greenlet, wait)


def network_of(address: Any) -> bytes:
    """The network of a peer: its address, or the /64 of IPv6; of a Unix socket none."""
    if not isinstance(address, tuple):
        return b""
    host = address[0].partition("%")[0]
    if ":" not in host:
        return socket.inet_pton(socket.AF_INET, host)
    packed = socket.inet_pton(socket.AF_INET6, host)
    return packed[12:] if packed.startswith(_MAPPED) else packed[:8]
