"""`/me/export`, `/me/terms` and `DELETE /me`: a copy of all that is held about one, and to be forgotten."""

import uuid
from typing import Final

from flask import Response
from marshmallow import Schema, fields, validate

from config import MOST_OF_A_VERSION
from models.errors import TermsNotAccepted
from models.messages import Message, rfc3339
from models.queries.privacy import consents_of
from models.tables.background import BackgroundTask
from tasks.accounts.confirming import require_confirmed
from tasks.accounts.terms import accept_terms
from tasks.privacy.export import ask_for_export, find_export
from web.account.erasing import erase_own
from web.api.schemas.accounts import MAX_CODE, MAX_PASSWORD
from web.api.schemas.fields import Strict, UtcTime
from web.api.schemas.tasks import TaskSchema
from web.api.tasks import accepted
from web.auth.identity import current_identity, signed_in
from web.auth.issue import clear_session_cookies
from web.http.openapi import Blueprint
from web.http.responses import answer
from web.http.services import services

RETRY_AFTER: Final = {"Retry-After": "2"}  # seconds; most copies are made by then

blueprint = Blueprint("privacy", __name__, url_prefix="/me", description="What is held about one")


class EraseSchema(Strict):
    """What shows that it is the account's owner who asks: a code too, where there is a second factor."""

    password = fields.String(
        required=True, validate=validate.Length(1, MAX_PASSWORD), metadata={"format": "password"}
    )
    code = fields.String(validate=validate.Length(1, MAX_CODE))


class AcceptTermsSchema(Strict):
    """Which version of the terms was read."""

    version = fields.String(required=True, validate=validate.Length(1, MOST_OF_A_VERSION))


class ConsentSchema(Schema):
    """A version of the terms, and when it was accepted first."""

    version = fields.String(required=True)
    accepted_at = UtcTime(required=True)


class TermsSchema(Schema):
    """The version that counts now, null without one, and what was accepted."""

    version = fields.String(required=True, allow_none=True)
    accepted = fields.List(fields.Nested(ConsentSchema), required=True)


@blueprint.get("/export")
@signed_in
@blueprint.response(200, content_type="application/json")
@blueprint.alt_response(202, schema=TaskSchema)
def get_export() -> Response:
    """Download the newest copy of all that is held about one; without one, ask for it: 202 with its task.

    A copy is kept for a day. At most three are made in one.
    """
    require_confirmed(services().context, current_identity().family)
    found = find_export(services().context, current_identity().user_id)
    if isinstance(found, BackgroundTask):
        return accepted(found, **RETRY_AFTER)
    name = f"my-data-{found.made_at:%Y-%m-%d}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(found.content, content_type="application/json", headers=headers)


@blueprint.post("/export")
@signed_in
@blueprint.response(202, TaskSchema)
def make_export() -> Response:
    """Have a new copy made, where there is one already."""
    require_confirmed(services().context, current_identity().family)
    task = ask_for_export(services().context, current_identity().user_id)
    return accepted(task, **RETRY_AFTER)


@blueprint.get("/terms")
@signed_in
@blueprint.response(200, TermsSchema)
def get_terms() -> Response:
    """Say which version of the terms counts now, and which ones one accepted, the newest first."""
    return answer(read_terms(current_identity().user_id))


@blueprint.post("/terms")
@signed_in
@blueprint.arguments(AcceptTermsSchema)
@blueprint.response(200, TermsSchema)
def accept(asked: dict[str, str]) -> Response:
    """Accept the terms, by the version that was read: 422 `terms_not_accepted` where another one counts."""
    parts, user_id = services(), current_identity().user_id
    if asked["version"] != parts.settings.legal.terms_version:
        raise TermsNotAccepted("Another version counts by now.")
    accept_terms(parts.context, user_id, asked["version"])
    return answer(read_terms(user_id))


@blueprint.delete("")
@signed_in
@blueprint.arguments(EraseSchema)
@blueprint.response(202)
def erase_me(asked: dict[str, str]) -> Response:
    """Have the account erased: every log-in ends now, the rest is done within minutes.

    Places in line and holds are given back; payments that are under way are finished first. Orders and
    receipts stay without name and address. A last mail says when it is done.
    """
    erase_own(services(), current_identity(), **asked)
    response = Response(status=202)
    clear_session_cookies(response, services().settings)
    return response


def read_terms(user_id: uuid.UUID) -> Message:
    """Read which terms count, and which an account accepted."""
    parts = services()
    with parts.database.transaction() as session:
        accepted = consents_of(session, user_id)
    told = [{"version": one.version, "accepted_at": rfc3339(one.accepted_at)} for one in accepted]
    return {"version": parts.settings.legal.terms_version or None, "accepted": told}
