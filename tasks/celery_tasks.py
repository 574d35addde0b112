"""The Celery tasks: each a name and a call; the composition root provides their context."""

from threading import BoundedSemaphore
from typing import Any, Final
from uuid import UUID

import structlog
from celery import Task

from models.errors import Unavailable
from tasks import due_work
from tasks.background import queue
from tasks.context import Context
from tasks.intents import drain
from tasks.notices.absent import tell_due
from tasks.payments.drive import run_due_payments
from tasks.payments.refunds import run_refund as drive_refund
from tasks.runtime.celery_app import celery
from tasks.runtime.isolation import apart

log: Final = structlog.get_logger()

MOST_DELIVERIES: Final = 4  # threads of a process at a time: slow answers must not keep payments waiting
MOST_PAYERS: Final = 4  # threads of a process at a time, each with a batch

_deliveries: Final = BoundedSemaphore(MOST_DELIVERIES)
_payers: Final = BoundedSemaphore(MOST_PAYERS)
_tellers: Final = BoundedSemaphore(1)
_contexts: list[Context] = []


def provide(context: Context) -> None:
    """Give the tasks of this process their context; called once, by the composition root."""
    _contexts[:] = [context]


class ContextTask(Task):  # type: ignore[type-arg]
    """A task with the process's context, which logs one line when a store is unavailable.

    That is no failure: every task here is repeated by a sweep.
    """

    @property
    def context(self) -> Context:
        """The context that the composition root provided."""
        return _contexts[0]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task."""
        try:
            return super().__call__(*args, **kwargs)
        except Unavailable as error:
            log.warning("store_away", task=self.name, error=str(error))
            return None


@celery.task(bind=True, base=ContextTask, name="drain_sale")
def drain_sale(self: ContextTask, sale_id: str) -> None:
    """Drain a sale's line for a time slice."""
    drain.drain_sale(self.context, UUID(sale_id))


@celery.task(bind=True, base=ContextTask, name="run_background_task")
def run_background_task(self: ContextTask, task_id: str) -> None:
    """Do a piece of work that has a row under `/tasks`."""
    queue.run(self.context, UUID(task_id))


@celery.task(bind=True, base=ContextTask, name="ask_for_purge")
def ask_for_purge(self: ContextTask) -> None:
    """Drop what is kept for hours only; request the daily purge, unless it was requested within a day."""
    due_work.ask_for_purge(self.context)


@celery.task(bind=True, base=ContextTask, name="keep_watch")
def keep_watch(self: ContextTask) -> None:
    """Ring for background tasks whose bell was lost, request due reports, tell of openings, audit sales."""
    with apart("watch_hindered", of="background_tasks"):
        queue.ring_for_unheard(self.context)
    due_work.keep_watch(self.context)


@celery.task(bind=True, base=ContextTask, name="run_payments")
def run_payments(self: ContextTask) -> None:
    """Ask the provider about the payments that are due, unless enough threads do so already."""
    if not _payers.acquire(blocking=False):
        return
    try:
        run_due_payments(self.context)
    finally:
        _payers.release()


@celery.task(bind=True, base=ContextTask, name="run_refund")
def run_refund(self: ContextTask, refund_id: str) -> None:
    """Ask the provider for a refund."""
    drive_refund(self.context, UUID(refund_id))


@celery.task(bind=True, base=ContextTask, name="deliver_mails")
def deliver_mails(self: ContextTask) -> None:
    """Send the mails that are due."""
    self.context.mailer.deliver()


@celery.task(bind=True, base=ContextTask, name="deliver_pushes")
def deliver_pushes(self: ContextTask) -> None:
    """Send the pushes that are due."""
    due_work.deliver_pushes(self.context)


@celery.task(bind=True, base=ContextTask, name="tell_absent")
def tell_absent(self: ContextTask) -> None:
    """Enter mails to who did not hear of a verdict, unless a thread of this process does so already."""
    if not _tellers.acquire(blocking=False):
        return
    try:
        tell_due(self.context)
    finally:
        _tellers.release()


@celery.task(bind=True, base=ContextTask, name="deliver_sandbox_webhooks")
def deliver_sandbox_webhooks(self: ContextTask) -> None:
    """Send the sandbox's webhooks that are due, unless enough threads do so already."""
    if not _deliveries.acquire(blocking=False):
        return
    try:
        due_work.deliver_webhooks(self.context)
    finally:
        _deliveries.release()
