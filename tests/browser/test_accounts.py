"""Accounts in the browser: confirmed, got back into, changed; what is held of them, and their end."""

import json

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from models.enums import MailKind
from models.tables.accounts import User
from models.tables.background import BackgroundTask
from tasks.mail.links import Links
from tests.browser.conftest import NewPage
from tests.browser.people import PASSWORD, enrol, enter, log_in, register
from tests.browser.running import do_what_was_asked
from tests.support.letterbox import Letterbox
from tests.support.shop import Shop

NEW = "another one, and quite long"


@pytest.fixture
def box(shop: Shop) -> Letterbox:
    return Letterbox(shop.context.database, Links.of(shop.context.settings))


def follow(page: Page, box: Letterbox, email: str, kind: MailKind, path: str) -> None:
    """Open the link of a mail, as its reader does."""
    page.goto(f"{path}#{box.token_to(email, kind)}")


def test_who_registers_confirms_the_address_by_the_mail(new_page: NewPage, box: Letterbox) -> None:
    page = new_page()
    email = register(page, "/account")
    follow(page, box, email, MailKind.VERIFY_EMAIL, "/verify")
    page.get_by_role("button", name="Confirm the address").click()
    expect(page.get_by_text("The address is confirmed.")).to_be_visible()
    assert page.request.get("/api/v1/me").json()["email_verified"] is True
    follow(page, box, email, MailKind.VERIFY_EMAIL, "/verify")
    page.reload()
    page.get_by_role("button", name="Confirm the address").click()
    expect(page.get_by_role("alert")).to_contain_text("used before")


def test_a_forgotten_password_is_replaced_and_the_old_session_is_dead(
    new_page: NewPage, box: Letterbox
) -> None:
    old, page = new_page(), new_page()
    email = enrol(old)
    enter(old, email, "/account")
    page.goto("/login")
    page.get_by_role("link", name="Forgotten password?").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Mail the link").click()
    expect(page.get_by_text("a mail with a link is on its way")).to_be_visible()
    follow(page, box, email, MailKind.RESET_PASSWORD, "/reset")
    page.get_by_label("New password").fill("password1234")
    page.get_by_role("button", name="Set a new password").click()
    expect(page.locator(".wrong")).to_have_text("This is among the passwords that are tried first.")
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Set a new password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    log_in(page, email, "/account", password=NEW)
    expect(page.get_by_text(email)).to_be_visible()
    old.goto("/account")
    expect(old).to_have_url("/login?next=/account")


def test_an_account_is_changed_and_another_device_logged_out(new_page: NewPage, box: Letterbox) -> None:
    page, other = new_page(), new_page()
    email = enrol(page)
    enter(page, email, "/account")
    enter(other, email, "/account")
    page.get_by_label("Language of mails").select_option("de")
    page.get_by_label("Time zone of mails").fill("Europe/Berlin")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Mein Konto")).to_be_visible()
    page.get_by_role("link", name="Geräte").click()
    page.get_by_role("button", name="Dort abmelden").click()
    expect(page.get_by_role("button", name="Dort abmelden")).to_have_count(0)
    other.goto("/account")
    expect(other).to_have_url("/login?next=/account")
    page.goto("/account")
    page.get_by_label("Neue Adresse").fill(f"new-{email}")
    page.get_by_label("Jetziges Passwort").last.fill(PASSWORD)
    page.get_by_role("button", name="Link an die neue Adresse schicken").click()
    expect(page.get_by_text("an die neue Adresse unterwegs")).to_be_visible()
    follow(page, box, f"new-{email}", MailKind.NEW_ADDRESS, "/verify")
    page.get_by_role("button", name="Adresse bestätigen").click()
    expect(page.get_by_text("Die Adresse ist bestätigt.")).to_be_visible()
    page.goto("/account")
    expect(page.get_by_text(f"new-{email}")).to_be_visible()


def test_a_copy_of_ones_data_is_downloaded_and_the_account_erased(shop: Shop, new_page: NewPage) -> None:
    page = new_page()
    email = enrol(page)
    log_in(page, email, "/account/privacy")
    page.get_by_role("button", name="Download a copy").click()
    expect(page.get_by_text("Your copy is being made")).to_be_visible()
    with page.expect_download() as downloaded:
        do_what_was_asked(shop, BackgroundTask.kind == "export")
    expect(page.get_by_text("Your copy is ready.")).to_be_visible()
    assert json.loads(downloaded.value.path().read_text())["account"][0]["email"] == email

    page.get_by_role("button", name="Erase my account").click()
    dialog = page.get_by_role("dialog", name="Erase your account for good?")
    dialog.get_by_label("Password").fill("not the password")
    dialog.get_by_role("button", name="Erase my account").click()
    expect(dialog.get_by_role("alert")).to_contain_text("do not belong together")
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Erase my account").click()
    expect(page).to_have_url("/")
    page.goto("/account/privacy")
    expect(page).to_have_url("/login?next=/account/privacy")
    do_what_was_asked(shop, BackgroundTask.kind == "erase")
    log_in(page, email)
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    with shop.context.database.transaction() as session:
        assert session.scalar(select(User.id).where(User.email == email)) is None
