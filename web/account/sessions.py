"""`/me/sessions`: where one is logged in, and how to end that."""

import uuid
from typing import Any

from models.queries.accounts import good_log_ins
from tasks.accounts.log_ins import end_other_log_ins, end_own_log_in
from web.api.schemas.accounts import SessionsSchema
from web.auth.identity import current_identity, signed_in
from web.http.openapi import Blueprint
from web.http.services import services

blueprint = Blueprint("log_ins", __name__, url_prefix="/me/sessions", description="One's own log-ins")


@blueprint.get("")
@signed_in
@blueprint.response(200, SessionsSchema)
def list_sessions() -> dict[str, Any]:
    """List one's log-ins that are good, the one that was used last first."""
    identity = current_identity()
    with services().database.transaction() as session:
        found = good_log_ins(session, identity.user_id)
    return {"items": [{"row": one, "current": one.id == identity.family} for one in found]}


@blueprint.delete("/<uuid:session_id>")
@signed_in
@blueprint.response(204)
def end_session(session_id: uuid.UUID) -> None:
    """End one of one's log-ins; it is out within two seconds everywhere."""
    parts, identity = services(), current_identity()
    end_own_log_in(parts.context, identity.user_id, session_id)
    parts.revoked.add(session_id)


@blueprint.delete("")
@signed_in
@blueprint.response(204)
def end_other_sessions() -> None:
    """End all of one's log-ins but this one."""
    parts, identity = services(), current_identity()
    parts.revoked.add(*end_other_log_ins(parts.context, identity.user_id, identity.family))
