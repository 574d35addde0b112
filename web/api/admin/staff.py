"""`/admin/staff`: who is among the staff in which role, and invitations to it."""

import uuid
from collections.abc import Iterable
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from models.enums import StaffRole
from models.messages import Message, rfc3339
from models.queries import accounts as reading
from models.tables.accounts import AccountLink, User
from tasks.staff import members as staff
from web.api.schemas.accounts import MAX_EMAIL, EmailAddress
from web.api.schemas.fields import Line, Strict, UtcTime
from web.api.schemas.paging import page_of
from web.auth.actor import current_actor
from web.http.openapi import Blueprint
from web.http.paging import Page
from web.http.responses import answer, page
from web.http.services import services
from web.staff.guard import may

blueprint = Blueprint("staff", __name__, url_prefix="/admin/staff", description="The staff, for owners")

ROLES = [role.value for role in StaffRole]


class RoleSchema(Strict):
    """A role of staff."""

    staff_role = fields.Enum(StaffRole, required=True, by_value=True)


class InviteSchema(RoleSchema):
    """Who is invited, to which role."""

    email = EmailAddress(
        required=True,
        validate=[validate.Length(max=MAX_EMAIL), validate.Email()],
        metadata={"format": "email"},
    )
    name = Line(load_default="", validate=validate.Length(0, 100))


class MemberSchema(Schema):
    """Somebody of the staff."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    staff_role = fields.String(required=True, metadata={"enum": ROLES})
    last_seen_at = UtcTime(required=True, allow_none=True)
    has_second_factor = fields.Boolean(required=True)


class OpenInvitationSchema(Schema):
    """An invitation that is open. `url` is its link, told once, and only where no mail carries it."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    staff_role = fields.String(required=True, metadata={"enum": ROLES})
    created_at = UtcTime(required=True)
    expires_at = UtcTime(required=True)
    url = fields.String(required=True, allow_none=True)


@blueprint.get("")
@may("staff.read")
@blueprint.response(200, page_of(MemberSchema))
def list_staff() -> Response:
    """List the staff, all of them, owners first."""
    return page(Page(read_staff(), None))


@blueprint.patch("/<uuid:user_id>")
@may("staff.manage")
@blueprint.arguments(RoleSchema)
@blueprint.response(204)
def change_role(asked: dict[str, StaffRole], user_id: uuid.UUID) -> Response:
    """Give somebody another role, which ends their log-ins."""
    _end(staff.change_role(services().context, user_id, asked["staff_role"], by=current_actor()))
    return Response(status=204)


@blueprint.delete("/<uuid:user_id>")
@may("staff.manage")
@blueprint.response(204)
def remove(user_id: uuid.UUID) -> Response:
    """Make somebody of the staff a shopper, which ends their log-ins."""
    _end(staff.remove(services().context, user_id, by=current_actor()))
    return Response(status=204)


@blueprint.get("/invitations")
@may("staff.read")
@blueprint.response(200, page_of(OpenInvitationSchema))
def list_invitations() -> Response:
    """List the open invitations, all of them, newest first."""
    return page(Page(read_invitations(), None))


@blueprint.post("/invitations")
@may("staff.manage")
@blueprint.arguments(InviteSchema)
@blueprint.response(201, OpenInvitationSchema)
def invite(asked: dict[str, Any]) -> Response:
    """Invite somebody by mail, for a week; an earlier invitation of theirs is good for nothing then."""
    invited = staff.invite(services().context, **asked, by=current_actor())
    told = next(one for one in read_invitations() if one["id"] == str(invited.link_id))
    return answer({**told, "url": invited.url}, 201)


@blueprint.delete("/invitations/<uuid:link_id>")
@may("staff.manage")
@blueprint.response(204)
def uninvite(link_id: uuid.UUID) -> Response:
    """Withdraw an invitation."""
    staff.uninvite(services().context, link_id, by=current_actor())
    return Response(status=204)


def read_staff() -> list[Message]:
    """Read the staff as they are told."""
    with services().database.transaction() as session:
        return [
            {
                "id": str(user.id),
                "email": user.email,
                "name": user.name,
                "staff_role": user.staff_role,
                "last_seen_at": rfc3339(seen_at) if seen_at else None,
                "has_second_factor": user.totp_confirmed_at is not None,
            }
            for user, seen_at in reading.staff(session)
        ]


def read_invitations() -> list[Message]:
    """Read the open invitations as they are told."""
    with services().database.transaction() as session:
        return [_show(link, user) for link, user in reading.invitations(session)]


def _show(link: AccountLink, user: User) -> Message:
    return {
        "id": str(link.id),
        "email": user.email,
        "name": user.name,
        "staff_role": link.staff_role,
        "created_at": rfc3339(link.created_at),
        "expires_at": rfc3339(link.expires_at),
        "url": None,
    }


def _end(families: Iterable[uuid.UUID]) -> None:
    services().revoked.add(*families)
