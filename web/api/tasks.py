"""`/tasks` and the audit: what the workers do, for admins to poll."""

import uuid
from typing import Any

from flask import Response
from marshmallow import Schema, fields

from models.audit import audit_sale
from models.errors import NotFound
from models.tables.background import BackgroundTask
from tasks.background import queue, task_list
from tasks.sales import lifecycle
from web.api.schemas.tasks import TaskPageSchema, TaskQuery, TaskSchema
from web.auth.actor import current_actor
from web.http.openapi import PREFIX, Blueprint
from web.http.paging import Page, cut, read_cursor, read_place, write_cursor
from web.http.responses import answer, page
from web.http.services import services
from web.staff.guard import may, own_or, whose

blueprint = Blueprint("tasks", __name__, description="What the workers do")


class AuditSchema(Schema):
    """The invariants of a sale, each with its figures and, where broken, the offending rows."""

    sale_id = fields.UUID(required=True)
    ok = fields.Boolean(required=True)
    in_flight = fields.Boolean(required=True)
    checked_at_ms = fields.Integer(required=True)
    checks = fields.List(fields.Dict(), required=True)


@blueprint.get("/tasks/<uuid:task_id>")
@own_or("tasks.read")
@blueprint.response(200, TaskSchema)
def get_task(task_id: uuid.UUID) -> Response:
    """Show a task; an intent's id is its task's id, and its owner may see it too."""
    task, owner = task_list.find_task(services().context, task_id)
    if (mine := whose("tasks.read")) is not None and owner != mine:
        raise NotFound("No task of yours has this id.")
    return answer(task)


@blueprint.get("/tasks")
@may("tasks.read")
@blueprint.arguments(TaskQuery, location="query")
@blueprint.response(200, TaskPageSchema)
def list_tasks(asked: dict[str, Any]) -> Response:
    """List tasks, newest first. `kind=intent` with a `sale_id` shows those in line too."""
    return page(read_tasks(asked))


@blueprint.get("/sales/<uuid:sale_id>/audit")
@may("sales.read")
@blueprint.response(200, AuditSchema)
def get_audit(sale_id: uuid.UUID) -> Response:
    """Check the invariants of a sale now, over both stores."""
    parts = services()
    return answer(audit_sale(parts.database, parts.live, sale_id).as_message())


@blueprint.post("/sales/<uuid:sale_id>/audit")
@may("tasks.run")
@blueprint.response(202, TaskSchema)
def ask_for_audit(sale_id: uuid.UUID) -> Response:
    """Have the workers audit a sale; the result comes under `/tasks`."""
    context = services().context
    lifecycle.get_sale(context, sale_id)
    return accepted(queue.ask_for(context, "audit", sale_id=sale_id, by=current_actor().user_id))


def accepted(task: BackgroundTask, **headers: str) -> Response:
    """Answer that a background task was asked for, and where it is polled."""
    return answer(task_list.of_background(task), 202, {"Location": f"{PREFIX}/tasks/{task.id}", **headers})


def read_tasks(asked: dict[str, Any]) -> Page:
    """Read a page of tasks, newest first, as they are told.

    Raises:
        NoSuchSale: a sale's intents are asked for, and there is no such sale.
    """
    if asked["kind"] == task_list.INTENT and asked["sale_id"] is not None:
        if asked["state"] in task_list.IN_LINE:
            return _read_of_sale(asked)
        services().context.sale_cache.by_id(asked["sale_id"])
    limit = asked["limit"]
    found = task_list.list_stored(
        services().context,
        kind=asked["kind"],
        state=asked["state"],
        sale_id=asked["sale_id"],
        before=read_place(asked["cursor"]),
        limit=limit + 1,
    )
    page = cut(found, limit, lambda one: write_cursor(*one[0]))
    return Page([task for _, task in page.items], page.next_cursor)


def _read_of_sale(asked: dict[str, Any]) -> Page:
    before = read_cursor(asked["cursor"], int)[0] if asked["cursor"] else 0
    limit = asked["limit"]
    found = task_list.list_of_sale(
        services().context,
        asked["sale_id"],
        state=asked["state"],
        before=max(before, 0),
        limit=limit + 1,
    )
    page = cut(found, limit, lambda one: write_cursor(one[0]))
    return Page([task for _, task in page.items], page.next_cursor)
