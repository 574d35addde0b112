"""Runs background tasks: work with a row that shows how far it got, which can be polled at `/tasks`.

The row is authoritative and the Celery message only a bell: a sweep rings again for what was not begun or not
finished, so work may run twice and must tolerate that.
"""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import func, or_, select, update

from models.audit import audit_sale
from models.enums import TaskState
from models.errors import NoSuchSale, NotDone, Unavailable
from models.leases import has_ended
from models.tables.background import BackgroundTask
from tasks.background.purge import PURGE, purge
from tasks.context import Context
from tasks.expulsion.bans import EXPEL, expel
from tasks.privacy.erasing import ERASE, erase
from tasks.privacy.export import EXPORT, export
from tasks.reports.making import REPORT, run_report
from tasks.runtime.isolation import apart

log: Final = structlog.get_logger()

PURGED_EVERY: Final = timedelta(days=1)
MOST_ATTEMPTS: Final = 3
UNHEARD_AFTER: Final = timedelta(seconds=5)
DEAD_AFTER: Final = timedelta(minutes=2)

Result = dict[str, Any]


def audit(context: Context, task: BackgroundTask) -> Result:
    """Audit a sale."""
    if task.sale_id is None:
        raise NoSuchSale("An audit names a sale.")
    return audit_sale(context.database, context.live, task.sale_id).as_message()


KINDS: Final[dict[str, Callable[[Context, BackgroundTask], Result]]] = {
    "audit": audit,
    PURGE: purge,
    EXPEL: expel,
    ERASE: erase,
    EXPORT: export,
    REPORT: run_report,
}


def ask_for(
    context: Context, kind: str, *, sale_id: UUID | None = None, by: UUID | None = None
) -> BackgroundTask:
    """Enter a piece of work and ring the bell for it.

    Raises:
        KeyError: no such kind.
    """
    if kind not in KINDS:
        raise KeyError(kind)
    with context.database.transaction() as session:
        task = BackgroundTask(id=uuid.uuid4(), kind=kind, sale_id=sale_id, requested_by=by)
        session.add(task)
        session.flush()
        session.refresh(task)
    context.bell.ring_for_task(task.id)
    return task


def ask_for_purge(context: Context) -> BackgroundTask | None:
    """Ask for a purge, unless one was asked for within a day; requests from the future do not count."""
    lately = BackgroundTask.submitted_at.between(func.now() - PURGED_EVERY, func.now())
    asked = select(BackgroundTask.id).where(BackgroundTask.kind == PURGE, lately)
    with context.database.transaction() as session:
        if session.scalar(select(asked.exists())):
            return None
    return ask_for(context, PURGE)


def run(context: Context, task_id: UUID) -> None:
    """Do a requested piece of work, unless another worker does or did it.

    Raises:
        Unavailable: a store is unavailable; the sweep rings again.
    """
    task = _begin(context, task_id)
    if task is None:
        return
    try:
        result = KINDS[task.kind](context, task)
    except NotDone as error:
        _finish(context, task, TaskState.RETRY, result=error.progress, tried=task.attempts - 1)
        return
    except Unavailable as error:
        _finish(context, task, TaskState.RETRY, error=str(error))
        raise
    except Exception as error:
        log.exception("background_task_failed", task_id=str(task_id), kind=task.kind)
        is_last = task.attempts >= MOST_ATTEMPTS
        _finish(context, task, TaskState.FAILURE if is_last else TaskState.RETRY, error=repr(error))
        return
    _finish(context, task, TaskState.SUCCESS, result=result)


def ring_for_unheard(context: Context) -> int:
    """Ring for tasks that were not begun, that are to be retried, or whose worker died."""
    unheard = _unheard(context)
    for task_id in unheard:
        context.bell.ring_for_task(task_id)
    return len(unheard)


def run_unheard(context: Context) -> None:
    """Run the same, one after the other, where nobody can be rung for.

    Raises:
        LedgerUnavailable: PostgreSQL is unavailable.
    """
    for task_id in _unheard(context):
        with apart("task_hindered", task_id=str(task_id)):
            run(context, task_id)


def _unheard(context: Context) -> list[UUID]:
    is_old = or_(  # or from the future: the clock was set back since
        BackgroundTask.submitted_at < func.now() - UNHEARD_AFTER, BackgroundTask.submitted_at > func.now()
    )
    waits = BackgroundTask.state.in_((TaskState.PENDING, TaskState.RETRY)) & is_old
    died = (BackgroundTask.state == TaskState.STARTED) & has_ended(BackgroundTask.started_at, DEAD_AFTER)
    with context.database.transaction() as session:
        session.execute(update(BackgroundTask).where(died).values(state=TaskState.RETRY))
        return list(session.scalars(select(BackgroundTask.id).where(waits).limit(100)))


def _begin(context: Context, task_id: UUID) -> BackgroundTask | None:
    beginning = (
        update(BackgroundTask)
        .where(
            BackgroundTask.id == task_id,
            BackgroundTask.state.in_((TaskState.PENDING, TaskState.RETRY)),
        )
        .values(state=TaskState.STARTED, started_at=func.now(), attempts=BackgroundTask.attempts + 1)
        .returning(BackgroundTask)
    )
    with context.database.transaction() as session:
        return session.scalars(beginning).one_or_none()


def _finish(
    context: Context,
    task: BackgroundTask,
    state: TaskState,
    *,
    result: Result | None = None,
    error: str | None = None,
    tried: int | None = None,
) -> None:
    """Note how a run ended; `tried` is how many runs count as attempts, if not all of them do."""
    is_over = state in (TaskState.SUCCESS, TaskState.FAILURE)
    with context.database.transaction() as session:
        session.execute(
            update(BackgroundTask)
            .where(BackgroundTask.id == task.id, BackgroundTask.state == TaskState.STARTED)
            .values(
                state=state,
                result=result,
                error=error,
                attempts=task.attempts if tried is None else tried,
                finished_at=func.now() if is_over else None,
            )
        )
