"""Lists all work in one list, with Celery's states: intents, money and background tasks."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import Select

from models.enums import UNSTORED, IntentStatus, TaskState
from models.errors import NotFound
from models.messages import Message, rfc3339, stored_intent
from models.queries.background_tasks import background_tasks
from models.queries.intents import newest_decided
from models.queries.paging import newest
from models.queries.payment_tasks import WORK, find_money_task, list_money_tasks
from models.tables.background import BackgroundTask
from tasks.context import Context
from tasks.intents import submit
from tasks.privacy.export import EXPORT

INTENT: Final = "intent"

Key = tuple[datetime, UUID]  # sort key of lists of stored work: submitted_at, id

STATES: Final[dict[IntentStatus, TaskState]] = {
    IntentStatus.WAITING: TaskState.PENDING,
    IntentStatus.QUEUED: TaskState.PENDING,
    IntentStatus.STANDBY: TaskState.STARTED,
    IntentStatus.HELD: TaskState.SUCCESS,
    IntentStatus.SOLD_OUT: TaskState.SUCCESS,
    IntentStatus.REJECTED: TaskState.FAILURE,
    IntentStatus.LEFT: TaskState.REVOKED,
}
IN_LINE: Final = frozenset({None, TaskState.PENDING, TaskState.REVOKED})  # a line may hold such, or any


def find_task(context: Context, task_id: UUID) -> tuple[Message, UUID | None]:
    """Find a task, which may be an intent; returns it with the shopper who may see it too.

    Raises:
        NotFound: there is none.
    """
    try:
        intent, owner = submit.find_intent(context, task_id)
    except NotFound:
        with context.database.transaction() as session:
            if (task := session.get(BackgroundTask, task_id)) is not None:
                return of_background(task), task.subject_id if task.kind == EXPORT else None
            if (told := find_money_task(session, task_id)) is not None:
                return told, None
        raise
    return of_intent(intent), owner


def list_of_sale(
    context: Context, sale_id: UUID, *, state: str | None, before: int, limit: int
) -> list[tuple[int, Message]]:
    """List a sale's intents as tasks with their tickets, newest first, those in line included."""
    found = submit.list_of_sale(
        context, sale_id, user_id=None, before=before, limit=limit, statuses=_statuses_of(state)
    )
    return [(one["ticket"], of_intent(one)) for one in found]


def list_stored(
    context: Context,
    *,
    kind: str | None,
    state: str | None,
    sale_id: UUID | None,
    before: Key | None,
    limit: int,
) -> list[tuple[Key, Message]]:
    """List stored work of one kind or of all, newest first, each with its key for paging."""
    found: list[tuple[Key, Callable[[], Message]]] = []
    if kind not in (INTENT, *WORK):
        chosen = background_tasks(kind=kind, state=state, sale_id=sale_id)
        found += _background(context, chosen, before, limit)
    statuses = _statuses_of(state)
    if kind in (None, INTENT) and (statuses is None or not UNSTORED.issuperset(statuses)):
        found += _decided(context, statuses, sale_id, before, limit)
    for name in [name for name in WORK if kind in (None, name)]:
        with context.database.transaction() as session:
            found += list_money_tasks(session, name, state=state, sale_id=sale_id, before=before, limit=limit)
    found.sort(key=lambda pair: pair[0], reverse=True)
    return [(key, tell()) for key, tell in found[:limit]]


def of_intent(intent: Message) -> Message:
    """Describe an intent as the task that decides it."""
    state = STATES[IntentStatus(intent["status"])]
    is_decided = intent["decided_at"] is not None
    result = {name: intent[name] for name in ("status", "ticket", "order_id", "reason")}
    return {
        "task_id": intent["id"],
        "kind": INTENT,
        "state": state,
        "submitted_at": intent["submitted_at"],
        "started_at": intent["decided_at"],
        "finished_at": intent["decided_at"],
        "attempts": int(is_decided or state == TaskState.STARTED),
        "result": result if is_decided else None,
        "error": intent["reason"] if state == TaskState.FAILURE else None,
        "sale_id": intent["sale_id"],
    }


def of_background(task: BackgroundTask) -> Message:
    """Describe a background task."""
    return {
        "task_id": str(task.id),
        "kind": task.kind,
        "state": task.state,
        "submitted_at": rfc3339(task.submitted_at),
        "started_at": rfc3339(task.started_at) if task.started_at else None,
        "finished_at": rfc3339(task.finished_at) if task.finished_at else None,
        "attempts": task.attempts,
        "result": task.result,
        "error": task.error,
        "sale_id": str(task.sale_id) if task.sale_id else None,
    }


def _statuses_of(state: str | None) -> Sequence[str] | None:
    if state is None:
        return None
    return [status.value for status, said in STATES.items() if said == state]


def _background(
    context: Context, query: Select[BackgroundTask], before: Key | None, limit: int
) -> list[tuple[Key, Callable[[], Message]]]:
    keys = (BackgroundTask.submitted_at, BackgroundTask.id)
    with context.database.transaction() as session:
        rows = session.scalars(newest(query, keys, before).limit(limit))
        return [((row.submitted_at, row.id), partial(of_background, row)) for row in rows]


def _decided(
    context: Context, statuses: Sequence[str] | None, sale_id: UUID | None, before: Key | None, limit: int
) -> list[tuple[Key, Callable[[], Message]]]:
    with context.reading() as session:
        rows = newest_decided(session, sale_id=sale_id, statuses=statuses, before=before, limit=limit)
        return [
            ((row.submitted_at, row.id), lambda row=row: of_intent(stored_intent(row)))  # type: ignore[misc]
            for row in rows
        ]
