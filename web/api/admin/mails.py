"""`/admin/mails`: what was mailed to whom; mails that are kept and never sent can be read whole."""

import uuid
from typing import Any, Final

from flask import Response
from marshmallow import Schema, fields, validate

from models.enums import MailKind, MailStatus
from models.messages import Message
from models.queries.notices.mails import find_mail, listed_mails
from models.tables.mails import Mail
from web.api.schemas.fields import Text, UtcTime
from web.api.schemas.paging import PageQuery, page_of
from web.http.openapi import Blueprint
from web.http.paging import Page, read_page
from web.http.responses import answer, page
from web.http.services import services
from web.staff.guard import can, may

blueprint = Blueprint("mails", __name__, url_prefix="/admin/mails", description="What was mailed, for admins")


class MailQuery(PageQuery):
    """`?kind=&status=` and `?address=` (a part of the recipient's) besides the page."""

    kind = fields.String(load_default=None, validate=validate.OneOf([kind.value for kind in MailKind]))
    status = fields.String(load_default=None, validate=validate.OneOf([one.value for one in MailStatus]))
    address = Text(load_default="", validate=validate.Length(0, 254))


class MailSchema(Schema):
    """A mail as the list has it: without what it says."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"enum": [kind.value for kind in MailKind]})
    status = fields.String(required=True, metadata={"enum": [one.value for one in MailStatus]})
    to = fields.String(required=True, attribute="to_email")
    language = fields.String(required=True)
    user_id = fields.UUID(required=True, allow_none=True)
    order_id = fields.UUID(required=True, allow_none=True)
    attempts = fields.Integer(required=True)
    error = fields.String(required=True, allow_none=True)
    created_at = UtcTime(required=True)
    mailed_at = UtcTime(required=True, allow_none=True)


_MAIL: Final = MailSchema()


class LetterSchema(MailSchema):
    """A mail with its letter where it is kept, for owners: one that leaves has links of its reader's."""

    subject = fields.String(required=True, allow_none=True)
    text = fields.String(required=True, allow_none=True)
    html = fields.String(required=True, allow_none=True)


@blueprint.get("")
@may("mails.read")
@blueprint.arguments(MailQuery, location="query")
@blueprint.response(200, page_of(MailSchema))
def list_mails(asked: dict[str, Any]) -> Response:
    """List mails, newest first."""
    return page(read_mails(asked))


@blueprint.get("/<uuid:mail_id>")
@may("mails.read")
@blueprint.response(200, LetterSchema)
def get_mail(mail_id: uuid.UUID) -> Response:
    """Show a mail, and what it says where it is kept."""
    return answer(read_mail(mail_id))


def read_mails(asked: dict[str, Any]) -> Page:
    """Read a page of mails, newest first, as they are told."""
    wanted = listed_mails(kind=asked["kind"], status=asked["status"], address=asked["address"].strip())
    with services().context.reading() as session:
        found = read_page(
            session, wanted, (Mail.created_at, Mail.id), limit=asked["limit"], cursor=asked["cursor"]
        )
        return Page(_MAIL.dump(found.items, many=True), found.next_cursor)


def read_mail(mail_id: uuid.UUID) -> Message:
    """Read a mail as it is told, with its letter where it is kept and who asks may read it."""
    context = services().context
    with context.database.transaction() as session:
        shown = _MAIL.dump(find_mail(session, mail_id))
    letter = context.mailer.kept_letter(mail_id) if can("letters.read") else None
    said = letter._asdict() if letter else {"subject": None, "text": None, "page": None}
    return {**shown, "subject": said["subject"], "text": said["text"], "html": said["page"]}
