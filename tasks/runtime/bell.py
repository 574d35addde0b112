"""The bell: how a worker is told that a sale's line needs draining.

A bell may be lost or doubled without harm: sweeps ring again, and draining an empty line does nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final, TypeVar
from uuid import UUID

from amqp.exceptions import RecoverableConnectionError
from celery import Celery

from tasks.runtime.celery_app import BACKGROUND, DRAIN, MOST_WAITING, PAYMENTS
from tasks.runtime.outage import BROKER_ERRORS, Outage

Answer = TypeVar("Answer")
CONNECTION_LOST: Final = (
    RecoverableConnectionError,
    OSError,
)  # RabbitMQ's; Redis' are made again by its client


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

    def ring_for_pushes(self) -> bool:
        """Request that pushes are sent; returns as `ring` does."""
        return self.send("deliver_pushes", None, PAYMENTS)

    def ring_for_notices(self) -> bool:
        """Request that who did not hear of a verdict is told; returns as `ring` does."""
        return self.send("tell_absent", None, PAYMENTS)

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
    """Rings for the workers over Celery's broker, be it Redis or RabbitMQ."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._outage = Outage("bells")

    def unheard(self, queue: str) -> int | None:
        """Count the messages that no worker has received yet; None if the broker does not answer."""
        return self._ask(lambda producer: self._waiting(producer, queue))

    def unfinished(self) -> int | None:
        """Count the messages that workers received and have not acknowledged; None if unknown."""
        return self._ask(_received)

    def send(self, name: str, subject: str | None, queue: str) -> bool:
        """Send one message; returns whether it was sent, which it is not if too many wait in the queue.

        It has no expiry time: the clocks of sender and receiver may differ.
        """
        arguments = [subject] if subject else []
        options: dict[str, Any] = {"queue": queue, "retry": False, "ignore_result": True}

        def sent(producer: Any) -> bool:
            if self._waiting(producer, queue) >= MOST_WAITING:
                return False
            self._celery.send_task(name, args=arguments, producer=producer, **options)
            return True

        return self._ask(sent) is True

    def _ask(self, question: Callable[[Any], Answer]) -> Answer | None:
        """Ask the broker by one of its connections; None if it does not answer."""
        try:
            answer = self._ask_some_node(question)
        except BROKER_ERRORS as error:
            self._outage.note(error)
            return None
        self._outage.end()
        return answer

    def _ask_some_node(self, question: Callable[[Any], Answer]) -> Answer:
        """Ask by a connection of the pool; where its node is gone, by a new one to a node that answers."""
        try:
            return self._ask_by_pool(question)
        except CONNECTION_LOST as error:
            if isinstance(error, TimeoutError):
                raise
        return self._ask_by_pool(question)

    def _ask_by_pool(self, question: Callable[[Any], Answer]) -> Answer:
        with self._celery.producer_pool.acquire(block=True) as producer:
            return _asked(producer, question)

    def _waiting(self, producer: Any, queue: str) -> int:
        """Count the messages of a queue that no worker has received yet; declares it where it is new."""
        like = self._celery.amqp.queues[queue].queue_arguments
        told = producer.channel.queue_declare(queue, durable=True, auto_delete=False, arguments=like)
        return int(told.message_count)


def _asked(producer: Any, question: Callable[[Any], Answer]) -> Answer:
    try:
        return question(producer)
    except BROKER_ERRORS:
        if _is_rabbit(producer):  # a late answer would be taken for that to the next question
            producer.connection.collect()
        raise


def _received(producer: Any) -> int | None:
    """Count what Redis keeps for workers; RabbitMQ tells that to those who manage it only."""
    if _is_rabbit(producer):
        return None
    channel = producer.channel
    with channel.conn_or_acquire() as client:
        return int(client.hlen(channel.unacked_key))


def _is_rabbit(producer: Any) -> bool:
    return bool(producer.connection.transport.driver_type == "amqp")
