"""`/admin/api-keys`: keys with which programs do what a role of staff may."""

import uuid
from datetime import UTC, datetime
from typing import Any, Final

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate

from models.queries.accounts import api_keys
from models.tables.accounts import ApiKey
from tasks.staff.api_keys import make_key, revoke_key
from web.api.admin.staff import ROLES, RoleSchema
from web.api.schemas.fields import Line, UtcTime
from web.api.schemas.paging import PageQuery, page_of
from web.auth.actor import current_actor
from web.http.openapi import Blueprint
from web.http.paging import Page, read_page
from web.http.responses import answer, page
from web.http.services import services
from web.staff.guard import may

blueprint = Blueprint("api_keys", __name__, url_prefix="/admin/api-keys", description="Keys for programs")


class KeyCreateSchema(RoleSchema):
    """What a key is called, what it may do, and until when."""

    name = Line(required=True, validate=validate.Length(1, 100))
    expires_at = UtcTime(load_default=None, allow_none=True)


class MakerSchema(Schema):
    """Who made a key."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)


class ApiKeySchema(Schema):
    """A key, without itself: `beginning` is its first characters. `last_used_at` may be a minute behind."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    beginning = fields.String(required=True)
    staff_role = fields.String(required=True, metadata={"enum": ROLES})
    made_by = fields.Nested(MakerSchema, required=True, attribute="maker")
    created_at = UtcTime(required=True)
    expires_at = UtcTime(required=True, allow_none=True)
    revoked_at = UtcTime(required=True, allow_none=True)
    last_used_at = UtcTime(required=True, allow_none=True)


_KEY: Final = ApiKeySchema()


class NewKeySchema(ApiKeySchema):
    """A key that was just made, with itself: it is told this once."""

    key = fields.String(required=True)


@blueprint.get("")
@may("keys.read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(ApiKeySchema))
def list_keys(asked: dict[str, Any]) -> Response:
    """List keys, newest first, those that were revoked too."""
    return page(read_keys(asked))


@blueprint.post("")
@may("keys.manage")
@blueprint.arguments(KeyCreateSchema)
@blueprint.response(201, NewKeySchema)
def create_key(asked: dict[str, Any]) -> Response:
    """Make a key, and tell it once."""
    if asked["expires_at"] is not None and asked["expires_at"] <= datetime.now(UTC):
        raise ValidationError("Must be in the future.", "expires_at")
    made = make_key(services().context, **asked, by=current_actor())
    return answer({**_KEY.dump(made.row), "key": made.key}, 201)


@blueprint.delete("/<uuid:key_id>")
@may("keys.manage")
@blueprint.response(204)
def revoke(key_id: uuid.UUID) -> Response:
    """Revoke a key; within two seconds it counts nowhere."""
    revoke_key(services().context, key_id, by=current_actor())
    services().keys.forget(key_id)
    return Response(status=204)


def read_keys(asked: dict[str, Any]) -> Page:
    """Read a page of keys, newest first, as they are told."""
    with services().database.transaction() as session:
        order = (ApiKey.created_at, ApiKey.id)
        found = read_page(session, api_keys(), order, limit=asked["limit"], cursor=asked["cursor"])
        return Page(_KEY.dump(found.items, many=True), found.next_cursor)
