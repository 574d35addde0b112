"""Queries on background tasks."""

from uuid import UUID

from sqlalchemy import Select, select

from models.tables.background import BackgroundTask


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
