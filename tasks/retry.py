"""Owns another try of a background task that failed."""

from uuid import UUID

from models.background import BackgroundTask
from models.errors import NotFailed, NotFound
from models.vocabulary import Deed, SubjectKind, TaskState
from tasks.admin_log import Actor, note_deed
from tasks.context import Context


def retry_task(context: Context, task_id: UUID, *, by: Actor) -> None:
    """Begin a failed background task anew, with all its attempts.

    Raises:
        NotFound: there is no such background task.
        NotFailed: it did not fail.
        LedgerUnavailable: nothing was done.
    """
    with context.database.transaction() as session:
        task = session.get(BackgroundTask, task_id, with_for_update=True)
        if task is None:
            raise NotFound("No background task has this id.")
        if task.state != TaskState.FAILURE:
            raise NotFailed(f"The task is {task.state}.")
        task.state, task.attempts = TaskState.RETRY, 0
        task.finished_at = None
        note_deed(session, by, Deed.RETRIED, SubjectKind.TASK, task_id, kind=task.kind)
    context.bell.ring_for_task(task_id)
