"""`/admin/log`: which admin did what to what."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from models.enums import AdminAction, SubjectKind
from models.queries.admin_log import read_entries
from tasks.runtime.admin_log import show_entry
from web.api.schemas.fields import UtcTime
from web.api.schemas.paging import PageQuery, page_of
from web.http.openapi import Blueprint
from web.http.paging import Page, read_cursor, write_cursor
from web.http.responses import page
from web.http.services import services
from web.staff.guard import may

blueprint = Blueprint("admin_log", __name__, url_prefix="/admin/log", description="The admins' log")


class LogQuery(PageQuery):
    """`?subject_id=&actor_id=&deed=&subject_kind=` besides the page."""

    subject_id = fields.UUID(load_default=None)
    actor_id = fields.UUID(load_default=None)
    deed = fields.String(load_default=None, validate=validate.OneOf([deed.value for deed in AdminAction]))
    subject_kind = fields.String(
        load_default=None, validate=validate.OneOf([kind.value for kind in SubjectKind])
    )


class ActorSchema(Schema):
    """An admin."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)


class KeySchema(Schema):
    """A program's key."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)


class LogEntrySchema(Schema):
    """An admin's action; without an actor, the command line's. `details` show a change before and after.

    With a `key` a program did it, in the name of the actor who made the key.
    """

    id = fields.Integer(required=True)
    at = UtcTime(required=True)
    actor = fields.Nested(ActorSchema, required=True, allow_none=True)
    key = fields.Nested(KeySchema, required=True, allow_none=True)
    deed = fields.String(required=True, metadata={"enum": [deed.value for deed in AdminAction]})
    subject_kind = fields.String(required=True, metadata={"enum": [kind.value for kind in SubjectKind]})
    subject_id = fields.UUID(required=True)
    details = fields.Dict(required=True)


@blueprint.get("")
@may("log.read")
@blueprint.arguments(LogQuery, location="query")
@blueprint.response(200, page_of(LogEntrySchema))
def list_log(asked: dict[str, Any]) -> Response:
    """List what admins did, newest first."""
    return page(read_log(asked))


def read_log(asked: dict[str, Any]) -> Page:
    """Read a page of the log, newest first, as it is told."""
    narrowed = ("subject_id", "actor_id", "deed", "subject_kind")
    wanted = {name: asked[name] for name in narrowed}
    before = read_cursor(asked["cursor"], int)[0] if asked["cursor"] else None
    with services().context.reading() as session:
        rows = read_entries(session, **wanted, before=before, limit=asked["limit"] + 1)
        shown = [show_entry(row) for row in rows[: asked["limit"]]]
    cursor = write_cursor(shown[-1]["id"]) if len(rows) > len(shown) else None
    return Page(shown, cursor)
