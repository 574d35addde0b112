"""Retries a background task that failed or a mail that was given up, for admins."""

import uuid

from flask import Response

from tasks.background import task_list
from tasks.background.retry import retry_task
from web.api.schemas.tasks import TaskSchema
from web.auth.actor import current_actor
from web.http.openapi import Blueprint
from web.http.responses import answer
from web.http.services import services
from web.staff.guard import may

blueprint = Blueprint("admin_tasks", __name__, description="Tasks, for admins")


@blueprint.post("/tasks/<uuid:task_id>/retry")
@may("tasks.run")
@blueprint.response(202, TaskSchema)
def retry(task_id: uuid.UUID) -> Response:
    """Have a background task that failed, or a mail that was given up, tried again; answers how it stands."""
    context = services().context
    retry_task(context, task_id, by=current_actor())
    return answer(task_list.find_task(context, task_id)[0], 202)
