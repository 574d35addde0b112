"""Mails the links that people asked for by an address, some moment after they were answered.

So neither the answer nor its time tells whether the address has an account, and what is done for one that has
falls together with no request in particular. A process that ends mails what still waits; what one that is
killed did not mail is asked for again.
"""

import os
import queue
import random
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from models.enums import LinkKind
from models.errors import Unavailable
from web.http.errors import TooManyRequests

MOST: Final = 10_000  # that wait
LONGEST_REST_S: Final = 1.0  # before what was asked for meanwhile is done
TRIES: Final = 5  # while the ledger is away
PAUSE_S: Final = 2.0  # between two
STOP_S: Final = 3.0  # for what waits when the process ends

log: Final = structlog.get_logger()


class _Asked(NamedTuple):
    email: str
    kind: LinkKind


class AskedLinks:
    """One thread of a process that mails, begun by the first who asks (a greenlet under gevent)."""

    def __init__(
        self, mail: Callable[[str, LinkKind], object], rest: Callable[[float], object] = time.sleep
    ) -> None:
        self._mail = mail
        self._rest = rest
        self._waiting: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()  # None: nothing more comes
        self._starting = threading.Lock()
        self._pid = 0  # of the process in which the thread runs
        self._thread: threading.Thread | None = None

    def ask(self, email: str, kind: LinkKind) -> None:
        """Have a link mailed, if the address has an account that it is for; never waits.

        Raises:
            TooManyRequests: too many wait.
        """
        if self._waiting.qsize() >= MOST:
            raise TooManyRequests(LONGEST_REST_S * 2)
        self._waiting.put(_Asked(email, kind))
        with self._starting:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                self._thread = threading.Thread(target=self._go_on, name="asked links", daemon=True)
                self._thread.start()

    def stop(self, patience_s: float = STOP_S) -> None:
        """Mail what waits, and end; returns once that is done, or after so long."""
        if self._thread is not None and self._pid == os.getpid():
            self._waiting.put(None)
            self._thread.join(patience_s)

    def _go_on(self) -> None:
        while (first := self._waiting.get()) is not None:
            asked: list[_Asked | None] = [first]
            self._rest(random.uniform(0, LONGEST_REST_S))  # noqa: S311 - not for security
            while not self._waiting.empty():
                asked.append(self._waiting.get())
            for one in dict.fromkeys(asked):
                if one is not None:
                    self._do(one)
            if None in asked:
                return

    def _do(self, asked: _Asked) -> None:
        for _ in range(TRIES):
            try:
                self._mail(*asked)
            except Unavailable:
                self._rest(PAUSE_S)
            except Exception:
                log.exception("link_not_mailed", kind=asked.kind)
                return
            else:
                return
        log.warning("link_not_mailed", kind=asked.kind)
