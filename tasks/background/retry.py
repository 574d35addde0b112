"""Retries a background task that failed, or a mail that was given up."""

from uuid import UUID

from sqlalchemy.orm import Session

from models.enums import AdminAction, MailStatus, SubjectKind, TaskState
from models.errors import NotFailed, NotFound
from models.tables.background import BackgroundTask
from models.tables.mails import Mail
from tasks.context import Context
from tasks.payments.history import ledger_time
from tasks.runtime.admin_log import Actor, record_action


def retry_task(context: Context, task_id: UUID, *, by: Actor) -> None:
    """Restart a failed background task, with all its attempts; or a mail, which gets one more attempt.

    Raises:
        NotFound: there is no such background task or mail.
        NotFailed: it did not fail.
    """
    with context.database.transaction() as session:
        is_mail = _retry_mail(session, task_id, by)
        if not is_mail:
            _retry_background(session, task_id, by)
    if is_mail:
        context.bell.ring_for_mails()
    else:
        context.bell.ring_for_task(task_id)


def _retry_mail(session: Session, mail_id: UUID, by: Actor) -> bool:
    mail = session.get(Mail, mail_id, with_for_update=True)
    if mail is None:
        return False
    if mail.status != MailStatus.GIVEN_UP:
        raise NotFailed(f"The mail is {mail.status}.")
    if not mail.to_email:
        raise NotFailed("The mail's address is forgotten.")
    now = ledger_time(session)
    mail.status, mail.given_up_at, mail.due_at = MailStatus.PENDING, None, now
    mail.attempts, mail.started_at = 0, None
    record_action(session, by, AdminAction.RETRIED, SubjectKind.TASK, mail_id, kind="mail")
    return True


def _retry_background(session: Session, task_id: UUID, by: Actor) -> None:
    task = session.get(BackgroundTask, task_id, with_for_update=True)
    if task is None:
        raise NotFound("No background task or mail has this id.")
    if task.state != TaskState.FAILURE:
        raise NotFailed(f"The task is {task.state}.")
    task.state, task.attempts = TaskState.RETRY, 0
    task.finished_at = None
    record_action(session, by, AdminAction.RETRIED, SubjectKind.TASK, task_id, kind=task.kind)
