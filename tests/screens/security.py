"""Scenes of the second factor: off, being set up, its recovery codes, on, and asked for."""

import time
from collections.abc import Sequence
from typing import Final

import orjson
from playwright.sync_api import Page, expect
from pyotp import TOTP

from tests.screens.actors import PASSWORD, Actor
from tests.screens.scene import Scene, show
from tests.screens.stage import Stage

PATH: Final = "/account/security"
FACTOR: Final = "/api/v1/me/second-factor"
REFUSED: Final = orjson.dumps({"status": 403, "code": "confirmation_required", "detail": "Confirm."}).decode()


def _off(stage: Stage) -> Page:
    return show(stage.shopper(), PATH, "Security")


def _set_up(stage: Stage) -> Page:
    page = _off(stage)
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    return page


def _codes(stage: Stage) -> Page:
    page = _set_up(stage)
    secret = page.locator("#secret").inner_text().replace(" ", "")
    page.get_by_label("Type the code").fill(TOTP(secret).at(time.time()))
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator("#code-list li")).to_have_count(10)
    return page


def _guarded(stage: Stage) -> Actor:
    shopper = stage.shopper()
    secret = shopper.post(FACTOR)["secret"]
    shopper.post(f"{FACTOR}/confirm", {"code": TOTP(secret).at(time.time())})
    return shopper


def _on(stage: Stage) -> Page:
    return show(_guarded(stage), PATH, "Security")


def _log_in(stage: Stage) -> Page:
    shopper = _guarded(stage)
    shopper.context.clear_cookies()
    page = show(shopper, "/login", "Log in")
    page.get_by_label("E-mail").fill(shopper.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_label("Code of your authenticator app")).to_be_focused()
    return page


def _asked_again(stage: Stage) -> Page:
    page = _off(stage)
    kind = "application/problem+json"
    page.route(f"**{FACTOR}", lambda route: route.fulfill(status=403, content_type=kind, body=REFUSED))
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("dialog", name="Is it you?")).to_be_visible()
    return page


SCENES: Final[Sequence[Scene]] = (
    Scene("account-security", _off),
    Scene("account-security-set-up", _set_up),
    Scene("account-security-codes", _codes),
    Scene("account-security-on", _on),
    Scene("login-code", _log_in),
    Scene("asked-again", _asked_again),
)
