"""Schemas of background tasks, to the letter of the contract."""

from marshmallow import Schema, fields, validate

from models.enums import TaskState
from web.api.schemas.fields import Text, UtcTime
from web.api.schemas.paging import PageQuery, page_of

STATES = [state.value for state in TaskState]


class TaskQuery(PageQuery):
    """`?kind=&state=&sale_id=` besides the page."""

    kind = Text(load_default=None, validate=validate.Length(1, 64))
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))
    sale_id = fields.UUID(load_default=None)


class TaskSchema(Schema):
    """A piece of work; `order_id` is there for payments, refunds and mails, null for one about no order."""

    task_id = fields.UUID(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": STATES})
    submitted_at = UtcTime(required=True, allow_none=True)
    started_at = UtcTime(required=True, allow_none=True)
    finished_at = UtcTime(required=True, allow_none=True)
    attempts = fields.Integer(required=True)
    result = fields.Raw(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    sale_id = fields.UUID(required=True, allow_none=True)
    order_id = fields.UUID(allow_none=True)


TaskPageSchema = page_of(TaskSchema)
