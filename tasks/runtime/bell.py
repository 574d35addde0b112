"""The bell: how a worker is told that a sale's line needs draining.

A bell may be lost or doubled without harm: sweeps ring again, and draining an empty line does nothing.
"""

from abc import ABC, abstractmethod
from typing import Any, Final
from uuid import UUID

import structlog
from celery import Celery
from kombu.exceptions import ChannelError, OperationalError
from redis.exceptions import RedisError

from tasks.runtime.celery_app import BACKGROUND, DRAIN, MOST_WAITING, PAYMENTS

log: Final = structlog.get_logger()


class Bell(ABC):
    """What callers need of a bell. How messages are sent and counted is up to the implementation."""

    def ring(self, sale_id: UUID | str) -> bool:
        """Request a drain; returns whether the broker accepted it. Never raises if that is unavailable."""
        return self.send("drain_sale", str(sale_id), DRAIN)

    def ring_for_task(self, task_id: UUID) -> bool:
        """Request that a background task is run; returns as `ring` does."""
        return self.send("run_background_task", str(task_id), BACKGROUND)

    def ring_for_payments(self) -> bool:
        """Request that the payments that are due are run; returns as `ring` does."""
        return self.send("run_payments", None, PAYMENTS)

    def ring_for_refund(self, refund_id: UUID) -> bool:
        """Request that a refund is run; returns as `ring` does."""
        return self.send("run_refund", str(refund_id), PAYMENTS)

    def ring_for_webhooks(self) -> bool:
        """Request that the sandbox's webhooks are sent; returns as `ring` does."""
        return self.send("deliver_sandbox_webhooks", None, PAYMENTS)

    def ring_for_mails(self) -> bool:
        """Request that mails are sent; returns as `ring` does."""
        return self.send("deliver_mails", None, PAYMENTS)

    @abstractmethod
    def send(self, name: str, subject: str | None, queue: str) -> bool:
        """Send one message; returns whether the broker accepted it."""

    @abstractmethod
    def unheard(self, queue: str) -> int | None:
        """Count the messages that no worker has received yet; None if the broker does not answer."""

    @abstractmethod
    def unfinished(self) -> int | None:
        """Count the messages that workers received and have not acknowledged; None if unknown."""


class CeleryBell(Bell):
    """Rings for the workers over Celery's broker."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery

    def unheard(self, queue: str) -> int | None:
        """Count the messages that no worker has received yet; None if the broker does not answer."""
        try:
            with self._celery.producer_pool.acquire(block=True) as producer:
                return waiting_in(producer.channel, queue)
        except (OperationalError, RedisError, OSError) as error:
            log.warning("bells_not_counted", queue=queue, error=str(error))
            return None

    def unfinished(self) -> int | None:
        """Count the messages that workers received and have not acknowledged; None if unknown."""
        try:
            with self._celery.producer_pool.acquire(block=True) as producer:
                channel: Any = producer.channel
                with channel.conn_or_acquire() as client:
                    return int(client.hlen(channel.unacked_key))
        except (OperationalError, RedisError, OSError) as error:
            log.warning("unfinished_not_counted", error=str(error))
            return None

    def send(self, name: str, subject: str | None, queue: str) -> bool:
        """Send one message; returns whether it was sent, which it is not if too many wait in the queue.

        It has no expiry time: the clocks of sender and receiver may differ.
        """
        arguments = [subject] if subject else []
        options: dict[str, Any] = {"queue": queue, "retry": False, "ignore_result": True}
        try:
            with self._celery.producer_pool.acquire(block=True) as producer:
                if waiting_in(producer.channel, queue) >= MOST_WAITING:
                    return False
                self._celery.send_task(name, args=arguments, producer=producer, **options)
        except (OperationalError, RedisError, OSError) as error:
            log.warning("bell_lost", task=name, subject=subject, error=str(error))
            return False
        return True


def waiting_in(channel: Any, queue: str) -> int:
    """Count the messages of a queue that no worker has received yet, over a channel to the broker.

    Raises:
        OperationalError, RedisError, OSError: the broker is unavailable.
    """
    try:
        return int(channel.queue_declare(queue, passive=True).message_count)
    except ChannelError:
        return 0  # the queue does not exist before its first message
