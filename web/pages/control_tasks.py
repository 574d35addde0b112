"""Owns the control room's pages of tasks: the list, and one with its result or what went wrong."""

import uuid
from typing import Final

from flask import Blueprint, render_template

from models.vocabulary import TaskState
from tasks import work
from tasks.background import KINDS
from tasks.work_of_money import WORK
from web.pages.asking import asked_by
from web.pages.control_log import entries_about
from web.pages.control_reading import names_of_sales, sales_to_choose
from web.schemas.tasks import TaskQuery
from web.services import services
from web.tasks import read_tasks

blueprint: Final = Blueprint("tasks", __name__, url_prefix="/tasks")

_QUERY: Final = TaskQuery()
_UNFINISHED: Final = (TaskState.PENDING, TaskState.STARTED, TaskState.RETRY)


@blueprint.get("")
def tasks() -> str:
    """What the workers do, did and are to do."""
    asked = asked_by(_QUERY)
    context, found = services().context, read_tasks(asked)
    return render_template(
        "admin/tasks.html",
        found=found,
        asked=asked,
        kinds=(work.INTENT, *WORK, *KINDS),
        sales=sales_to_choose(context, asked["sale_id"]),
        names=names_of_sales(context, [one["sale_id"] for one in found.items]),
    )


@blueprint.get("/<uuid:task_id>")
def task(task_id: uuid.UUID) -> str:
    """One task; the page comes again when it has got further."""
    context = services().context
    found, owner = work.find_task(context, task_id)
    return render_template(
        "admin/task.html",
        task=found,
        owner=str(owner) if owner else None,
        names=names_of_sales(context, [found["sale_id"]]),
        is_unfinished=found["state"] in _UNFINISHED,
        may_be_retried=found["state"] == TaskState.FAILURE and found["kind"] in (*KINDS, "mail"),
        log=entries_about(task_id),
    )
