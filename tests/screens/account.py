"""Scenes of accounts, of the German pages, and of pages that are missing or forbidden."""

import re
import uuid
from collections.abc import Sequence
from typing import Final

from playwright.sync_api import Page, expect

from models.enums import MailKind
from tasks.mail.choices import write_word
from tests.screens.control import invitation_mail
from tests.screens.money import holding
from tests.screens.scene import Play, Scene, show
from tests.screens.shop import LONG
from tests.screens.stage import Stage
from tests.support.contexts import SECRET_KEY

GERMAN: Final = "de-DE"


def _path(path: str, heading: str) -> Play:
    """A page as a visitor sees it."""
    return lambda stage: show(stage.visitor(), path, heading)


def _own(path: str, heading: str) -> Play:
    """A page as somebody new sees it who is logged in."""
    return lambda stage: show(stage.shopper(), path, heading)


def _refused_registration(stage: Stage) -> Page:
    known = stage.others(1)[0].email
    page = show(stage.visitor(), "/register", "Register")
    page.get_by_label("E-mail").fill(known)
    page.get_by_label("Password").fill("another horse, battery")
    page.get_by_label("I accept").check()
    page.locator("main").get_by_role("button", name="Register").click()
    expect(page.get_by_role("alert")).to_contain_text("We have written to this address")
    return page


def _refused_log_in(stage: Stage) -> Page:
    page = show(stage.visitor(), "/login", "Log in")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password").fill("not the password")
    page.locator("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    return page


def _follows(stage: Stage) -> Page:
    shopper = stage.shopper()
    for sale in (stage.sale(opens_in_s=3600), stage.sale("Field notebook")):
        shopper.put(f"/api/v1/sales/{sale['id']}/follow")
    return show(shopper, "/account/follows", "Sales you follow")


def _followed(stage: Stage) -> Page:
    sale = stage.sale(opens_in_s=3600)
    page = show(stage.shopper(), f"/sales/{sale['id']}", "Not open yet")
    page.get_by_role("button", name="Tell me before it opens").click()
    expect(page.get_by_role("button", name="You will be told")).to_be_enabled()
    return page


def _invitation(stage: Stage) -> Page:
    page, mail = stage.visitor().page, invitation_mail(stage)
    [link] = re.findall(r"http\S+/invitation#\S+", mail["text"])
    page.goto(link)
    expect(page.get_by_role("button", name="Accept the invitation")).to_be_visible()
    return page


def _unsubscribe(stage: Stage) -> Page:
    shopper = stage.shopper()
    word = write_word(SECRET_KEY, uuid.UUID(shopper.get("/api/v1/me")["id"]), MailKind.OPENS_SOON)
    return show(shopper, f"/unsubscribe/{word}", "No more of these mails?")


def _german(path: str, heading: str) -> Play:
    return lambda stage: show(stage.visitor(locale=GERMAN), path, heading)


def _german_hold(stage: Stage) -> Page:
    sale = stage.sale(currency="EUR", **LONG)
    shopper = stage.shopper("Käthe Müller-Lüdenscheidt", locale=GERMAN)
    shopper.hold(sale)
    return show(shopper, f"/sales/{sale['id']}", "Es gehört dir!")


def _german_order(stage: Stage) -> Page:
    shopper, _sale, order = holding(stage)
    shopper.pay(order)
    shopper.page.goto("/orders")
    shopper.page.get_by_role("button", name="Deutsch").click()
    expect(shopper.page.get_by_role("heading", name="Meine Bestellungen")).to_be_visible()
    return shopper.page


FRONTS: Final[Sequence[Scene]] = (
    Scene("german-front", _german("/", "Eine faire Schlange für alles, was schnell weg ist.")),
)
SCENES: Final[Sequence[Scene]] = (
    Scene("register", _path("/register", "Register")),
    Scene("register-refused", _refused_registration),
    Scene("login", _path("/login", "Log in")),
    Scene("login-refused", _refused_log_in),
    Scene("forgot", _path("/forgot", "Forgotten password")),
    Scene("reset", _path("/reset#token", "Set a new password")),
    Scene("verify", _path("/verify#token", "Confirm your e-mail address")),
    Scene("invitation", _invitation),
    Scene("terms", _path("/terms", "Terms")),
    Scene("account", _own("/account", "My account")),
    Scene("unsubscribe", _unsubscribe),
    Scene("account-privacy", _own("/account/privacy", "A copy of your data")),
    Scene("account-follows", _follows),
    Scene("account-push", _own("/account/push", "Being told in the browser")),
    Scene("account-mails", _own("/account/notifications", "Mails")),
    Scene("order-link", _path("/o#token", "Your order")),
    Scene("order-link-used", _path("/o", "This link was used")),
    Scene("sale-followed", _followed),
    Scene("account-sessions", _own("/account/sessions", "Where you are logged in")),
    Scene("orders-empty", _own("/orders", "No orders yet")),
    Scene("problem-404", _path(f"/sales/{uuid.UUID(int=0)}", "There is nothing here")),
    Scene("problem-401", _path("/admin", "Please log in")),
    Scene("problem-403", _own("/admin", "This page is not for you")),
    Scene("german-register", _german("/register", "Registrieren")),
    Scene("german-held", _german_hold),
    Scene("german-orders", _german_order),
)
