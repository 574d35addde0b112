"""`/account/notifications`: which mails one wants; and `/unsubscribe`, where a mail's own link leads."""

from typing import Any, Final

from flask import Blueprint, render_template

from models.enums import MailKind
from tasks.mail.choices import choose, read_word
from web.account.notifications import read_notifications
from web.auth.tokens import Identity
from web.http.services import services
from web.shop.account.frame import blueprint, section
from web.shop.languages import N_

unsubscribing: Final = Blueprint("unsubscribing", __name__, url_prefix="/unsubscribe")

KINDS: Final = {  # of mail that can be chosen: what it is called, and when it comes
    MailKind.HOLD_BEGUN: (
        N_("It is your turn"),
        N_("When a hold begins while the shop is not open before you."),
    ),
    MailKind.HOLD_ENDS: (N_("A hold ends soon"), N_("In the last quarter of a hold that is not paid yet.")),
    MailKind.ORDER_EXPIRED: (N_("A hold ran out"), N_("When a hold was not paid in time.")),
    MailKind.ORDER_CANCELLED: (N_("An order was cancelled"), N_("By you, or with the sale.")),
    MailKind.DRAW_RESULT: (
        N_("A draw without luck"),
        N_("When a draw gave you nothing and you were not watching."),
    ),
    MailKind.OPENS_SOON: (N_("A sale opens soon"), N_("Of sales that you follow.")),
}


@blueprint.get("/notifications")
@section("notifications")
def notifications(identity: Identity) -> dict[str, Any]:
    """The kinds of mail, and which of them come."""
    told = read_notifications(identity.user_id)
    is_on = {one["kind"]: one["is_on"] for one in told["mails"]}
    return {"kinds": KINDS, "is_on": is_on, "has_mail": told["has_mail"]}


@unsubscribing.get("/<string:word>")
def unsubscribe_page(word: str) -> str:
    """Ask whether this kind of mail is to come no more; changes nothing, since mail scanners open links."""
    _, kind = read_word(word, services().settings.secret_keys)
    return render_template("mailed/unsubscribe.html", kind=KINDS[kind], is_done=False)


@unsubscribing.post("/<string:word>")
def unsubscribe(word: str) -> str:
    """Switch this kind off: by the page's button, or by a mailbox's own (RFC 8058), without a log-in."""
    parts = services()
    parts.limits.hit_address("links")
    user_id, kind = read_word(word, parts.settings.secret_keys)
    with parts.database.transaction() as session:
        choose(session, user_id, {kind: False})
    return render_template("mailed/unsubscribe.html", kind=KINDS[kind], is_done=True)
