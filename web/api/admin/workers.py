"""`/admin/workers`: the workers, by the heartbeats that they write, and their queues."""

from flask import Response
from marshmallow import Schema, fields

from tasks.background.workforce import show_workforce
from web.api.schemas.fields import UtcTime
from web.http.openapi import Blueprint
from web.http.responses import answer
from web.http.services import services
from web.staff.guard import may

blueprint = Blueprint(
    "admin_workers", __name__, url_prefix="/admin/workers", description="Workers and queues, for admins"
)

STATES = ["idle", "busy", "stopped", "gone", "unknown"]


class RunningSchema(Schema):
    """A task that a worker is at."""

    task_id = fields.String(required=True)
    name = fields.String(required=True)
    since = UtcTime(required=True)


class WorkerSchema(Schema):
    """A worker process. `processed` and `failed` are counted since it began."""

    name = fields.String(required=True)
    pid = fields.Integer(required=True)
    state = fields.String(
        required=True,
        metadata={
            "enum": STATES,
            "description": "stopped: it said goodbye; gone: it fell silent; unknown: no worker is heard.",
        },
    )
    heard_at = UtcTime(required=True)
    processed = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    running = fields.List(fields.Nested(RunningSchema), required=True)


class WorkQueueSchema(Schema):
    """A queue of the broker; null while the broker is away."""

    name = fields.String(required=True)
    waiting = fields.Integer(required=True, allow_none=True)


class BrokerSchema(Schema):
    """Whether the broker answers."""

    is_reachable = fields.Boolean(required=True)


class WorkforceSchema(Schema):
    """All workers and queues. `is_heard`: some worker was heard in the last seconds."""

    server_time = UtcTime(required=True)
    heard_at = UtcTime(required=True, allow_none=True)
    is_heard = fields.Boolean(required=True)
    workers = fields.List(fields.Nested(WorkerSchema), required=True)
    broker = fields.Nested(BrokerSchema, required=True)
    queues = fields.List(fields.Nested(WorkQueueSchema), required=True)
    unacknowledged = fields.Integer(required=True, allow_none=True)


@blueprint.get("")
@may("workers.read")
@blueprint.response(200, WorkforceSchema)
def get_workers() -> Response:
    """Show who works at what, who is gone, and what waits in the queues."""
    return answer(show_workforce(services().context))
