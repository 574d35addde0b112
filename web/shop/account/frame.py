"""The frame of an account's pages: the sections and how one of them is shown."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, NamedTuple

from flask import Blueprint, render_template

from web.auth.tokens import Identity
from web.http.services import services
from web.shop.languages import N_
from web.shop.reading import account_of
from web.shop.viewing import Answer, own_page

blueprint: Final = Blueprint("account", __name__, url_prefix="/account")


class Section(NamedTuple):
    """A page of the account, as its navigation names it. `needs`: without that setting there is none."""

    path: str
    title: str
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


def section(template: str) -> Callable[[Callable[[Identity], dict[str, Any]]], Callable[[], Answer]]:
    """Show what a view gathers for its account as a section (`account/TEMPLATE.html`)."""

    def decorate(gather: Callable[[Identity], dict[str, Any]]) -> Callable[[], Answer]:
        @own_page
        @wraps(gather)
        def shown(identity: Identity) -> str:
            account = account_of(services().context, identity.user_id)
            gathered = gather(identity)
            return render_template(
                f"account/{template}.html", account=account, sections=_sections(), **gathered
            )

        return shown

    return decorate


def _sections() -> list[Section]:
    settings = services().settings
    return [one for one in SECTIONS if not one.needs or getattr(settings, one.needs) is not None]
