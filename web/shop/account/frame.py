"""The frame of an account's pages: the sections and how one of them is shown."""

from typing import Any, Final, NamedTuple

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from web.auth.tokens import Identity
from web.http.services import services
from web.shop.languages import N_
from web.shop.reading import account_of
from web.shop.viewing import viewer

blueprint: Final = Blueprint("account", __name__, url_prefix="/account")


class Section(NamedTuple):
    """A page of the account, as its navigation names it; `for_staff`: shown to staff alone.

    `needs`: the setting without which there is nothing to show.
    """

    path: str
    title: str
    for_staff: bool = False
    needs: str = ""


SECTIONS: Final = (
    Section("/account", N_("Profile")),
    Section("/account/sessions", N_("Devices")),
    Section("/account/security", N_("Security")),
    Section("/account/notifications", N_("Mails")),
    Section("/account/follows", N_("Sales you follow")),
    Section("/account/push", N_("Browser"), needs="push"),
    Section("/account/privacy", N_("Data and privacy")),
)


def show_section(template: str, **values: Any) -> Response | str:
    """Show a section (`account/TEMPLATE.html`) to its account, or send a guest to log in and back."""
    identity = viewer()
    if identity is None:
        return redirect(f"/login?next={request.path}", 303)
    account = account_of(services().context, identity.user_id)
    return render_template(
        f"account/{template}.html", account=account, sections=_sections(identity), **values
    )


def _sections(identity: Identity) -> list[Section]:
    settings = services().settings
    shown = (one for one in SECTIONS if identity.is_admin or not one.for_staff)
    return [one for one in shown if not one.needs or getattr(settings, one.needs) is not None]
