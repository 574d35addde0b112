"""Queries on background tasks."""

from typing import Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.enums import TaskState
from models.tables.background import BackgroundTask

WAITING: Final = (TaskState.PENDING, TaskState.STARTED, TaskState.RETRY)  # to be done or being done


def background_tasks(*, kind: str | None, state: str | None, sale_id: UUID | None) -> Select[BackgroundTask]:
    """Select background tasks, for paging."""
    query = select(BackgroundTask)
    for column, wanted in (
        (BackgroundTask.kind, kind),
        (BackgroundTask.state, state),
        (BackgroundTask.sale_id, sale_id),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    return query


def waiting_task_about(session: Session, kind: str, subject_id: UUID) -> BackgroundTask | None:
    """Find the newest task of a kind about a shopper that is still to be done."""
    return session.scalar(
        select(BackgroundTask)
        .where(BackgroundTask.kind == kind, BackgroundTask.subject_id == subject_id)
        .where(BackgroundTask.state.in_(WAITING))
        .order_by(BackgroundTask.submitted_at.desc())
        .limit(1)
    )


def waiting_task(session: Session, kind: str, sale_id: UUID) -> BackgroundTask | None:
    """Find the newest task of a kind about a sale that is still to be done."""
    return session.scalar(
        select(BackgroundTask)
        .where(BackgroundTask.kind == kind, BackgroundTask.sale_id == sale_id)
        .where(BackgroundTask.state.in_(WAITING))
        .order_by(BackgroundTask.submitted_at.desc())
        .limit(1)
    )
