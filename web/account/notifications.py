"""`/me/notifications`: which mails one wants. Receipts, refunds and what keeps accounts safe always come."""

from typing import Final
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields

from models.enums import CHOSEN_MAILS, MailKind
from models.messages import Message
from models.queries.accounts import find_shopper
from tasks.mail.choices import choices_of, choose
from web.api.schemas.fields import Flag, Strict
from web.auth.identity import current_identity, signed_in
from web.http.openapi import Blueprint
from web.http.responses import answer
from web.http.services import services

blueprint = Blueprint(
    "notifications", __name__, url_prefix="/me/notifications", description="Which mails one wants"
)

_CHOICES: Final = {kind.value: Flag() for kind in CHOSEN_MAILS}


class NotificationSchema(Schema):
    """A kind of mail; what is `is_fixed` cannot be switched off."""

    kind = fields.String(required=True, metadata={"enum": [kind.value for kind in MailKind]})
    is_on = fields.Boolean(required=True)
    is_fixed = fields.Boolean(required=True)


class NotificationsSchema(Schema):
    """Every kind of mail; `has_mail`: whether the shop mails at all."""

    has_mail = fields.Boolean(required=True)
    mails = fields.List(fields.Nested(NotificationSchema), required=True)


NotificationsPatchSchema: Final = Strict.from_dict(dict(_CHOICES), name="NotificationsPatchSchema")


@blueprint.get("")
@signed_in
@blueprint.response(200, NotificationsSchema)
def get_notifications() -> Response:
    """Say which mails one gets."""
    return answer(read_notifications(current_identity().user_id))


@blueprint.patch("")
@signed_in
@blueprint.arguments(NotificationsPatchSchema)
@blueprint.response(200, NotificationsSchema)
def change_notifications(wanted: dict[str, bool]) -> Response:
    """Switch kinds of mail on or off; those that are not named stay as they are."""
    user_id = current_identity().user_id
    with services().database.transaction() as session:
        choose(session, user_id, wanted)
    return answer(read_notifications(user_id))


def read_notifications(user_id: UUID) -> Message:
    """Read which mails an account gets, as it is told."""
    with services().database.transaction() as session:
        chosen = choices_of(find_shopper(session, user_id))
    mails = [
        {"kind": kind.value, "is_on": chosen.get(kind, True), "is_fixed": kind not in chosen}
        for kind in MailKind
    ]
    return {"has_mail": services().settings.mail is not None, "mails": mails}
