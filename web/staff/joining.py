"""`/auth/invitations`: what an invitation to the staff is for, and accepting it. A mailed token opens it."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from models.enums import StaffRole
from models.errors import BadCredentials
from tasks.staff import members as staff
from tasks.staff.members import Invitation
from web.api.schemas.accounts import LinkSchema, NewPassword
from web.auth.accounts import require_strong
from web.auth.identity import identity_if_any
from web.http.errors import Forbidden, Unauthenticated
from web.http.openapi import Blueprint
from web.http.responses import answer
from web.http.services import Services, services

blueprint = Blueprint(
    "invitations", __name__, url_prefix="/auth/invitations", description="Invitations to the staff"
)


class AcceptSchema(LinkSchema):
    """The token, and a password where the account has none yet."""

    password = NewPassword(load_default=None)


class InvitationSchema(Schema):
    """Whom an invitation is for. An account with a password accepts it when it is logged in."""

    email = fields.String(required=True)
    name = fields.String(required=True)
    staff_role = fields.String(required=True, metadata={"enum": [role.value for role in StaffRole]})
    has_password = fields.Boolean(required=True)


@blueprint.post("/look")
@blueprint.arguments(LinkSchema)
@blueprint.response(200, InvitationSchema)
def look(asked: dict[str, str]) -> Response:
    """Say what an invitation is for; it stays good."""
    return answer(_show(staff.read_invitation(services().context, asked["token"])))


@blueprint.post("/accept")
@blueprint.arguments(AcceptSchema)
@blueprint.response(200, InvitationSchema)
def accept(asked: dict[str, Any]) -> Response:
    """Join the staff, by a first password or logged in as the account; then every log-in of it has ended."""
    parts, token, password = services(), asked["token"], asked["password"]
    invitation = staff.read_invitation(parts.context, token)
    if invitation.has_password:
        _require_own(invitation)
        ended = staff.accept(parts.context, token, password_hash=None)
    else:
        hashed = _hashed(parts, invitation, password)
        ended = staff.accept(parts.context, token, password_hash=hashed)
    parts.revoked.add(*ended)
    return answer(_show(invitation))


def _require_own(invitation: Invitation) -> None:
    identity = identity_if_any()
    if identity is None:
        raise Unauthenticated("Log in to the account that was invited, then accept.")
    if identity.user_id != invitation.user_id:
        raise Forbidden("The invitation is for another account: log in as that one.", code="other_account")


def _hashed(parts: Services, invitation: Invitation, password: str | None) -> str:
    if password is None:
        raise BadCredentials(invitation.email)
    with parts.passwords.turn():
        require_strong(parts, password, invitation.email, invitation.name)
        return parts.passwords.hash(password)


def _show(invitation: Invitation) -> dict[str, Any]:
    return {name: value for name, value in invitation._asdict().items() if name != "user_id"}
