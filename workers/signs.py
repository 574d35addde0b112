"""Owns the signs of life of a worker that is deep in a task.

A solo worker's loop, which sends Celery's events, stands still while a task runs. So a thread sends what the
loop holds back, that the task was begun, and the heartbeats that it owes.
"""

import threading
from typing import Any, Final

import structlog
from celery.concurrency.solo import TaskPool
from celery.worker.state import active_requests, all_total_count
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log: Final = structlog.get_logger()

PERIOD_S: Final = 1.0


class SignsOfLife:
    """A thread that speaks for the worker's loop while that is at work."""

    def __init__(self, period_s: float = PERIOD_S) -> None:
        self._period_s = period_s
        self._stopped = threading.Event()

    def start(self, consumer: Any) -> None:
        """Speak for this consumer from now on; one whose loop never stands still needs nobody."""
        if isinstance(consumer.pool, TaskPool):
            threading.Thread(target=self._run, args=(consumer,), name="signs-of-life", daemon=True).start()

    def stop(self) -> None:
        """Be silent."""
        self._stopped.set()

    def _run(self, consumer: Any) -> None:
        busy_before = False
        while not self._stopped.wait(self._period_s):
            is_busy = bool(active_requests)
            if is_busy and busy_before:
                self._speak(consumer)
            busy_before = is_busy

    def _speak(self, consumer: Any) -> None:
        dispatcher, heart = consumer.event_dispatcher, consumer.heart
        if dispatcher is None or heart is None:
            return
        try:
            dispatcher.flush(errors=False)
            processed = all_total_count[0]
            dispatcher.send(
                "worker-heartbeat", freq=heart.interval, active=len(active_requests), processed=processed
            )
        except (OperationalError, RedisError, OSError) as error:
            log.warning("sign_of_life_not_sent", error=str(error))
