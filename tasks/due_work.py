"""What is due of each queue, done here and without a bell: for a worker whose broker is away.

It is the work of the queue's tasks. All of it is rows under leases, so that any number of processes may be
at it, beside workers that were rung for.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from tasks.background import queue
from tasks.background.purge import drop_exports
from tasks.background.report_requests import ask_for_due_reports
from tasks.context import Context
from tasks.notices.absent import tell_due
from tasks.notices.opens_soon import tell_of_openings
from tasks.payments.drive import run_due_payments
from tasks.payments.refunds import run_due_refunds
from tasks.providers.sandbox import deliver_due
from tasks.runtime.celery_app import BACKGROUND, PAYMENTS
from tasks.runtime.isolation import apart
from tasks.sales import auditing

WATCH_S: Final = 5.0  # as beat has it


class Work(NamedTuple):
    """A kind of work, and how long it rests before it is looked for again."""

    do: Callable[[Context], object]
    rest_s: float = 1.0


def keep_watch(context: Context) -> None:
    """Request due reports, tell of openings, audit sales."""
    with apart("watch_hindered", of="reports"):
        ask_for_due_reports(context)
    with apart("watch_hindered", of="followers"):
        tell_of_openings(context)
    auditing.audit_moved_sales(context)


def ask_for_purge(context: Context) -> None:
    """Drop what is kept for hours only; request the daily purge, unless it was requested within a day."""
    drop_exports(context)
    queue.ask_for_purge(context)


def deliver_webhooks(context: Context) -> None:
    """Send the sandbox's webhooks that are due."""
    settings = context.settings
    deliver_due(context.database, settings.payments, settings.secret_key)


def deliver_pushes(context: Context) -> None:
    """Send the pushes that are due, where there are keys for it."""
    if context.pusher is not None and context.pusher.has_due():
        context.pusher.deliver()


DUE: Final[Mapping[str, Mapping[str, Work]]] = {
    PAYMENTS: {
        "payments": Work(run_due_payments),
        "refunds": Work(run_due_refunds),
        "webhooks": Work(deliver_webhooks),
        "notices": Work(tell_due),
        "mails": Work(lambda context: context.mailer.deliver()),
        "pushes": Work(deliver_pushes),
    },
    BACKGROUND: {
        "tasks": Work(queue.run_unheard),
        "watch": Work(keep_watch, WATCH_S),
        "purge": Work(ask_for_purge, 60.0),
    },
}
