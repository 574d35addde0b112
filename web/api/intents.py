"""`/sales/{id}/intents` and `/intents`: submits purchase intents and shows what became of them."""

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from wsgiref.types import WSGIEnvironment

from flask import Response, request
from marshmallow import ValidationError

from models.messages import stored_intent
from models.queries import intents as reading
from tasks.intents import submit as intents
from tasks.intents.polls import visible
from web.api.schemas.intents import (
    IntentCreateSchema,
    IntentPageSchema,
    IntentQuery,
    IntentSchema,
    StandingSchema,
)
from web.auth.identity import current_identity, current_person, signed_in
from web.auth.tokens import Identity
from web.http.errors import Problem
from web.http.openapi import JSON, PREFIX, Blueprint, parse_json, read_announced, read_json
from web.http.paging import Page, cut, page_from, read_cursor, read_place, write_cursor
from web.http.reply import Answer, Reply
from web.http.responses import answer, page, reply_packed, reply_with
from web.http.services import Services, services
from web.staff.guard import own_or, seen_by, whose

blueprint = Blueprint("intents", __name__, description="Purchase intents: a place in a sale's line")

KEY_HEADER: Final = "Idempotency-Key"
KEY_PARAMETER: Final = {"name": KEY_HEADER, "in": "header", "schema": {"type": "string", "maxLength": 128}}
_SANE_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII).fullmatch
_NEW_INTENT: Final = IntentCreateSchema()
SHORT_LENGTHS: Final = {str(length): length for length in range(1, 65)}  # bytes, as they are announced


@blueprint.post("/sales/<uuid:sale_id>/intents")
@blueprint.doc(
    security=[{"bearer": []}, {"session": [], "csrf": []}],
    parameters=[KEY_PARAMETER],
    requestBody={"content": {"application/json": {"schema": IntentCreateSchema}}},
)
@blueprint.response(202, IntentSchema, headers={"Location": {"schema": {"type": "string"}}})
def submit(sale_id: uuid.UUID) -> Response:
    """Ask to buy. 202: the intent stands in line, durably, with its ticket; the verdict follows."""
    return Answer(take_intent(services(), current_person(), sale_id, request.environ, _read_intent_request))


def take_intent(
    parts: Services,
    identity: Identity,
    sale_id: uuid.UUID,
    environ: WSGIEnvironment,
    read: Callable[[], Mapping[str, Any]],
) -> Reply:
    """Take the intent of somebody who is known, by whichever way it came; `read` reads the body.

    Raises:
        TooManyRequests, Problem, ValidationError, FlashSaleError: as they are told.
    """
    user_id, context = identity.user_id, parts.context
    parts.limits.intents.hit(user_id)
    requested, key = read(), _read_key(environ)
    if context.sale_cache.by_id(sale_id).requires_verified_email and not identity.is_verified:
        context.confirmed.require(user_id)
    caller = environ.get("HTTP_TRACEPARENT", "")
    intent = intents.submit_intent(context, user_id, sale_id, key=key, caller=caller, **requested)
    return reply_with(intent, 202, {"Location": f"{PREFIX}/intents/{intent['id']}"})


@blueprint.get("/sales/<uuid:sale_id>/standing")
@signed_in
@blueprint.response(200, StandingSchema)
def get_standing(sale_id: uuid.UUID) -> Response:
    """Show one's own newest intent in a sale, and its order; null where there is none."""
    intent, order = services().standings.ask(sale_id, str(current_identity().user_id))
    return answer({"intent": intent, "order": order})


@blueprint.get("/intents/<uuid:intent_id>")
@own_or("intents.read")
@blueprint.response(200, IntentSchema)
def get_intent(intent_id: uuid.UUID) -> Response:
    """Show an intent to its owner or an admin: its place in line, or its verdict."""
    return Answer(show_intent(services(), current_identity(), intent_id))


def show_intent(parts: Services, identity: Identity, intent_id: uuid.UUID) -> Reply:
    """Show an intent to somebody who is known, by whichever way they asked.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    seen = visible(parts.polls_of_intents.find(intent_id), seen_by(parts.context, identity, "intents.read"))
    return reply_packed(seen.packed)


@blueprint.get("/intents")
@own_or("intents.read")
@blueprint.arguments(IntentQuery, location="query")
@blueprint.response(200, IntentPageSchema)
def list_intents(asked: dict[str, Any]) -> Response:
    """List intents, newest first: one's own, an admin's list shows everybody's.

    With `sale_id` those that still stand in line come too; without, those that are decided.
    """
    owner = whose("intents.read")
    if asked["sale_id"] is None:
        return _list_decided(owner, asked["limit"], asked["cursor"])
    return page(page_of_sale(asked["sale_id"], owner, asked["limit"], asked["cursor"]))


@blueprint.delete("/intents/<uuid:intent_id>")
@signed_in
@blueprint.response(200, IntentSchema)
def leave(intent_id: uuid.UUID) -> Response:
    """Give up the place in line."""
    return answer(intents.leave_line(services().context, current_identity().user_id, intent_id))


def page_of_sale(sale_id: uuid.UUID, owner: uuid.UUID | None, limit: int, cursor: str | None) -> Page:
    """Read a page of a sale's intents, newest ticket first, then those who left the lobby and so have none.

    The cursor is the last ticket seen, or when who was seen last came, and the intent's id.
    """
    context, asked_for = services().context, limit + 1
    before, departed_before = _read_place(cursor)
    found = []
    if departed_before is None:
        found = intents.list_of_sale(context, sale_id, user_id=owner, before=before, limit=asked_for)
    if len(found) < asked_for:
        found += intents.departed_of_sale(
            context, sale_id, user_id=owner, before=departed_before, limit=asked_for - len(found)
        )
    return cut(found, limit, _write_place)


def _read_place(cursor: str | None) -> tuple[int, tuple[datetime, uuid.UUID] | None]:
    if not cursor:
        return 0, None
    try:
        return max(read_cursor(cursor, int)[0], 0), None
    except ValidationError:
        return 0, read_place(cursor)


def _write_place(intent: dict[str, Any]) -> str:
    if intent["ticket"] is not None:
        return write_cursor(intent["ticket"])
    return write_cursor(datetime.fromisoformat(intent["submitted_at"]), intent["id"])


def idempotency_key() -> str:
    """Read the Idempotency-Key; empty where there is none.

    Raises:
        Problem: 400 `bad_idempotency_key`.
    """
    return _read_key(request.environ)


def _read_key(environ: WSGIEnvironment) -> str:
    key: str | None = environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return ""
    if not _SANE_KEY(key):
        raise Problem(400, "bad_idempotency_key", "Use 1 to 128 visible ASCII characters.")
    return key


def _read_intent_request() -> Mapping[str, Any]:
    """Read the body. A crowd's bodies are alike, so the schema's result for a short one is cached."""
    environ = request.environ
    length = SHORT_LENGTHS.get(environ.get("CONTENT_LENGTH", ""))
    if length is not None and environ.get("CONTENT_TYPE") == JSON:
        return read_short_request(read_announced(length))
    requested: Mapping[str, Any] = _NEW_INTENT.load(read_json())
    return requested


@lru_cache(maxsize=512)
def read_short_request(body: bytes) -> Mapping[str, Any]:
    """Read a body of one of the `SHORT_LENGTHS`.

    Raises:
        Problem: 400 `malformed_json`.
        ValidationError: it is not what an intent is asked by.
    """
    requested: Mapping[str, Any] = _NEW_INTENT.load(parse_json(body))
    return requested


def _list_decided(owner: uuid.UUID | None, limit: int, cursor: str | None) -> Response:
    before = read_place(cursor)
    with services().database.transaction() as session:
        if owner is None:
            rows = reading.newest_decided(
                session, sale_id=None, statuses=None, before=before, limit=limit + 1
            )
        else:
            rows = reading.newest_of_shopper(session, owner, limit + 1, before=before)
        found = page_from(rows, limit, "submitted_at", "id")
        return page(Page([stored_intent(row) for row in found.items], found.next_cursor))
