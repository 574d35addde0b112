"""A second factor by hand: set up, asked for at the log-in, and again before money goes back."""

import time

import pytest
from playwright.sync_api import expect
from pyotp import TOTP
from sqlalchemy import text

from tests.browser.conftest import NewPage
from tests.browser.people import come_as_admin, hold, log_in, pay
from tests.support.shop import Shop

pytestmark = pytest.mark.browser

STEP_S = 30


def test_an_owner_switches_it_on_logs_in_with_it_and_is_asked_again(shop: Shop, new_page: NewPage) -> None:
    page = new_page()
    email = come_as_admin(page, shop, "/account/security")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    app = TOTP(page.locator("#secret").inner_text().replace(" ", ""))
    began = time.time()
    page.get_by_label("Type the code").fill(app.at(began))
    page.get_by_role("button", name="Switch on").click()
    codes = page.locator("#code-list li")
    expect(codes).to_have_count(10)
    recovery = codes.first.inner_text()
    with page.expect_download() as downloaded:
        page.get_by_role("link", name="Download").click()
    assert recovery in downloaded.value.path().read_text()

    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url("/")
    sale, buyer = shop.open_sale(1), new_page()
    hold(buyer, sale)
    pay(buyer)
    [order] = sale.orders()
    log_in(page, email, f"/admin/orders/{order.id}")
    code = page.get_by_label("Code of your authenticator app")
    expect(code).to_be_focused()
    code.fill(app.at(began + STEP_S))
    page.locator("main").get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"/admin/orders/{order.id}")

    with shop.context.database.connection() as connection:  # the log-in is of an hour ago
        connection.execute(text("UPDATE token_families SET created_at = created_at - interval '1 hour'"))
    page.get_by_role("button", name="Refund").click()
    page.get_by_role("dialog").get_by_role("button", name="Refund").click()
    again = page.get_by_role("dialog", name="Is it you?")
    again.get_by_label("Code").fill("000 000")
    again.get_by_role("button", name="Confirm").click()
    expect(again.get_by_role("alert")).to_contain_text("The code is wrong")
    again.get_by_label("Code").fill(recovery)
    again.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("dl.terms").get_by_text("Refunded")).to_be_visible()
