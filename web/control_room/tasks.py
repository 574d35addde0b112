"""The admins' pages of tasks: the list, and one with its result or its error."""

import uuid
from typing import Final

from flask import Blueprint, render_template

from models.enums import TaskState
from models.queries.payment_tasks import WORK
from tasks.background import task_list
from tasks.background.queue import KINDS
from web.api.schemas.tasks import TaskQuery
from web.api.tasks import read_tasks
from web.control_room.log import entries_about
from web.control_room.reading import names_of_sales, sales_to_choose
from web.http.services import services
from web.shop.list_query import asked_by
from web.staff.guard import needs

blueprint: Final = Blueprint("tasks", __name__, url_prefix="/tasks")

_QUERY: Final = TaskQuery()
_UNFINISHED: Final = (TaskState.PENDING, TaskState.STARTED, TaskState.RETRY)


@blueprint.get("")
@needs("tasks.read")
def tasks() -> str:
    """The workers' tasks: done, running and to come."""
    asked = asked_by(_QUERY)
    context, found = services().context, read_tasks(asked)
    return render_template(
        "admin/tasks.html",
        found=found,
        asked=asked,
        kinds=(task_list.INTENT, *WORK, *KINDS),
        sales=sales_to_choose(context, asked["sale_id"]),
        names=names_of_sales(context, [one["sale_id"] for one in found.items]),
    )


@blueprint.get("/<uuid:task_id>")
@needs("tasks.read")
def task(task_id: uuid.UUID) -> str:
    """One task; the page reloads when it has got further."""
    context = services().context
    found, owner = task_list.find_task(context, task_id)
    return render_template(
        "admin/task.html",
        task=found,
        owner=str(owner) if owner else None,
        names=names_of_sales(context, [found["sale_id"]]),
        is_unfinished=found["state"] in _UNFINISHED,
        may_be_retried=found["state"] == TaskState.FAILURE and found["kind"] in (*KINDS, "mail"),
        log=entries_about(task_id),
    )
