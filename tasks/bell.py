"""Owns the doorbell: how a worker is told that a sale's line wants draining.

A bell may be lost or doubled without harm: sweeps ring again, and draining an empty line is nothing.
"""

from typing import Final
from uuid import UUID

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from tasks.app import BACKGROUND, BELL_EXPIRES_S, DRAIN

log: Final = structlog.get_logger()


class Bell:
    """Rings for the drain workers over Celery's broker."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery

    def ring(self, sale_id: UUID | str) -> bool:
        """Ask for a drain; says whether the broker took it. Never raises for a broker that is away."""
        return self._send("drain_sale", str(sale_id), DRAIN)

    def ring_for_task(self, task_id: UUID) -> bool:
        """Ask for a background task to be run; the same manners."""
        return self._send("run_background_task", str(task_id), BACKGROUND)

    def _send(self, name: str, subject: str, queue: str) -> bool:
        try:
            self._celery.send_task(
                name, args=[subject], queue=queue, retry=False, ignore_result=True, expires=BELL_EXPIRES_S
            )
        except (OperationalError, RedisError, OSError) as error:
            log.warning("bell_lost", task=name, subject=subject, error=str(error))
            return False
        return True
