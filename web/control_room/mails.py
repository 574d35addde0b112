"""The admins' pages of mails: the list, and one; what is kept and never sent can be read there."""

import uuid
from typing import Final

from flask import Blueprint, Response, render_template

from models.errors import NotFound
from web.api.admin.mails import MailQuery, read_mail, read_mails
from web.http.services import services
from web.shop.list_query import asked_by
from web.staff.guard import needs

blueprint: Final = Blueprint("mails", __name__, url_prefix="/mails")

_QUERY: Final = MailQuery()
# A letter is shown in a frame of the mail's page, where it may do nothing but open its links.
_LETTER_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


@blueprint.get("")
@needs("mails.read")
def mails() -> str:
    """The mails, newest first."""
    asked = asked_by(_QUERY)
    mail = services().context.settings.mail
    return render_template(
        "admin/mails.html",
        found=read_mails(asked),
        asked=asked,
        is_on=mail is not None,
        is_kept=mail is not None and mail.is_kept,
    )


@blueprint.get("/<uuid:mail_id>")
@needs("mails.read")
def mail(mail_id: uuid.UUID) -> str:
    """One mail, as text and as the page that mailboxes show."""
    return render_template("admin/mail.html", mail=read_mail(mail_id))


@blueprint.get("/<uuid:mail_id>/page")
@needs("letters.read")
def letter(mail_id: uuid.UUID) -> Response:
    """The page of a kept mail's letter alone, for the frame."""
    page = read_mail(mail_id)["html"]
    if page is None:
        raise NotFound("No mail that is kept has this id.")
    return Response(page, headers={"Content-Security-Policy": _LETTER_POLICY})
