"""Tells of a broker that is away: a line when it is lost, one a minute, and one when it is back."""

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog
from amqp.exceptions import AMQPError
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log: Final = structlog.get_logger()

REMIND_S: Final = 60.0
BROKER_ERRORS: Final = (OperationalError, AMQPError, RedisError, OSError)  # of RabbitMQ and of Redis


class Outage:
    """What one part of a process sees of the broker. Thread-safe."""

    def __init__(self, part: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._part = part
        self._clock = clock
        self._lock = threading.Lock()
        self._since: float | None = None
        self._told_at = 0.0
        self._failures = 0

    def note(self, error: Exception) -> None:
        """Say that the broker did not do what it was asked; told once, and again each minute."""
        with self._lock:
            now = self._clock()
            is_news = self._since is None
            self._since = now if self._since is None else self._since
            self._failures += 1
            if not is_news and now - self._told_at < REMIND_S:
                return
            self._told_at = now
            seconds, failures = round(now - self._since, 1), self._failures
        said = str(error) or type(error).__name__
        log.warning("broker_away", part=self._part, error=said, seconds=seconds, failures=failures)

    def end(self) -> None:
        """Say that it did; told if it had not."""
        if not self._failures:  # as nearly always, and then without the lock
            return
        with self._lock:
            since, failures = self._since, self._failures
            self._since, self._failures = None, 0
        if since is not None:  # no other thread was here in between
            log.info(
                "broker_back", part=self._part, seconds=round(self._clock() - since, 1), failures=failures
            )
