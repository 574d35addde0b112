"""Owns the listening to Celery's events, and the writing of the roll that the control room shows.

Every worker of the background queue listens, and one of them writes: who finds a fresh roll of another keeps
still. Over Redis, events are published and never stored, so that a listener that died leaves nothing behind;
the queue's name is fixed besides, so that there is one binding whatever happens.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from celery import Celery
from celery.events import EventReceiver
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from models.errors import LineUnavailable
from models.live.store import Live
from models.live.workers import Roll
from workers.roster import Roster

log: Final = structlog.get_logger()

QUEUE: Final = "control-room"  # one name for all listeners and for ever
WRITE_S: Final = 1.0
STALE_MS: Final = 3_000  # a roll that old wants another writer, and so does one that far in the future
PAUSE_S: Final = 1.0  # before the broker is tried again


class _Listener(EventReceiver):
    """Hands on each event, and time in between."""

    def __init__(self, app: Celery, connection: Any, hear: Callable[[Mapping[str, Any]], None]) -> None:
        super().__init__(connection, handlers={"*": hear}, app=app, node_id=QUEUE)
        self.on_time: Callable[[], None] = lambda: None

    def on_iteration(self) -> None:
        """Between two looks for events, at least once a second."""
        self.on_time()


class RollCall:
    """A thread that listens until it is stopped, whatever becomes of the broker."""

    def __init__(self, app: Celery, live: Live) -> None:
        self._app = app
        self._live = live
        self._roster = Roster()
        self._me = f"{socket.gethostname()}:{os.getpid()}"
        self._is_writer = False
        self._write_at = 0.0
        self._listener: _Listener | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="roll-call", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more; what is under way ends within a second, or with the process."""
        self._stopped.set()
        if self._listener is not None:
            self._listener.should_stop = True

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except (OperationalError, RedisError, OSError) as error:
                log.warning("workers_not_heard", error=str(error))
            except Exception:
                log.exception("roll_call_failed")
            self._write_if_due()
            self._stopped.wait(PAUSE_S)

    def _listen(self) -> None:
        with self._app.connection_for_read() as connection:
            self._listener = listener = _Listener(self._app, connection, self._roster.hear)
            listener.connect_max_retries = 1
            listener.on_time = self._write_if_due
            listener.should_stop = self._stopped.is_set()
            listener.capture(limit=None, timeout=None, wakeup=False)

    def _write_if_due(self) -> None:
        now = time.monotonic()
        if now < self._write_at:
            return
        self._write_at = now + WRITE_S
        try:
            self._write()
        except LineUnavailable as error:
            log.warning("roll_not_written", error=str(error))

    def _write(self) -> None:
        last, now, now_ms = self._live.roll.read(), time.time(), self._live.now_ms()
        if last is not None and last.by != self._me:
            self._is_writer = False
            if abs(now_ms - last.at_ms) < STALE_MS:
                return
        if not self._is_writer and last is not None:
            self._roster.adopt(last.workers, now, now_ms)
        self._is_writer = True
        self._live.roll.write(Roll(now_ms, self._me, self._roster.entries(now, now_ms)))
