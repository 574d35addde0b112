"""Waits for all sockets of the process in one greenlet, with epoll.

A greenlet a socket costs 16 KB and more before it does anything (Python gives each a chunk of stack); a
descriptor in an epoll set costs nothing here.
"""

import logging
import os
import select
from typing import Any, Final

import gevent
from gevent import monkey

from web.sockets.transport.connection import Connection

BATCH: Final = 64  # sockets served before other greenlets get their turn

log = logging.getLogger(__name__)

_READ: Final = select.POLLIN
_WRITE: Final = select.POLLOUT


class SocketPoller:
    """Calls the connections that can be read or written. Its own greenlet never waits for anything else."""

    def __init__(self) -> None:
        # gevent takes `epoll` away since it blocks; here it is only asked what is ready.
        self._epoll: Any = monkey.get_original("select", "epoll")()
        self._by_fd: list[Connection | None] = []  # descriptors are small numbers, and used again
        self._stop = os.eventfd(0, os.EFD_NONBLOCK)
        self._epoll.register(self._stop, _READ)
        self._is_stopped = False

    def add(self, connection: Connection) -> None:
        """Wait for a connection from now on."""
        fd = connection.wire.fileno()
        if fd >= len(self._by_fd):
            self._by_fd.extend([None] * (fd + 1 - len(self._by_fd)))
        connection.mask = _mask(connection)
        self._epoll.register(fd, connection.mask)
        self._by_fd[fd] = connection

    def change(self, connection: Connection) -> None:
        """Wait for what the connection waits for now."""
        mask = _mask(connection)
        if connection.mask != mask:
            connection.mask = mask
            self._epoll.modify(connection.wire.fileno(), mask)

    def remove(self, connection: Connection) -> None:
        """Wait for it no more; called before its descriptor is closed."""
        fd = connection.wire.fileno()
        if 0 <= fd < len(self._by_fd) and self._by_fd[fd] is connection:
            self._by_fd[fd] = None
            self._epoll.unregister(fd)

    def run(self) -> None:
        """Serve until stopped."""
        hub = gevent.get_hub()
        watcher = hub.loop.io(self._epoll.fileno(), 1)
        try:
            while not self._is_stopped:
                hub.wait(watcher)
                self._serve()
        finally:
            watcher.close()

    def stop(self) -> None:
        """Let `run` end."""
        self._is_stopped = True
        os.eventfd_write(self._stop, 1)

    def _serve(self) -> None:
        for fd, happened in self._epoll.poll(0, BATCH):
            connection = self._by_fd[fd] if fd < len(self._by_fd) else None
            if connection is not None:
                try:
                    _call(connection, happened)
                except Exception:  # one peer's fault must not stop all sockets
                    log.exception("a socket could not be served")
                    connection.cut_off("fault")


def _mask(connection: Connection) -> int:
    mask = _READ if connection.wants_reading else 0
    return mask | _WRITE if connection.wire.pending else mask


def _call(connection: Connection, happened: int) -> None:
    if happened & _WRITE:
        connection.on_writable()
    if happened & ~_WRITE and not connection.is_gone:
        connection.on_readable()
