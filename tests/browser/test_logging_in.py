"""A person logs in, stays logged in, and logs out."""

import re

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from benchmarks.harness.platform import Platform
from models.tables.accounts import User
from tests.browser.conftest import NewPage
from tests.browser.people import come, enrol, face, log_in, register
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


def test_a_wrong_password_is_told_in_words_and_a_right_one_lets_in(new_page: NewPage) -> None:
    page = new_page()
    email = register(page, "/orders")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in", exact=True)).to_be_visible()
    log_in(page, email, "/orders", password="not the password")
    expect(page.get_by_role("alert")).to_have_text("E-mail and password do not belong together.")
    log_in(page, email, "/orders")
    expect(page.get_by_role("heading", name="No orders yet")).to_be_visible()


def test_when_many_log_in_one_is_told_so_and_tried_again_without_being_asked(new_page: NewPage) -> None:
    page = new_page()
    email = enrol(page)
    refusals = iter([{"code": "busy", "detail": "Too many people are signing in."}] * 2)

    def answer(route: Route) -> None:
        refusal = next(refusals, None)
        if refusal is None:
            route.continue_()
        else:
            route.fulfill(status=503, headers={"Retry-After": "1"}, json=refusal)

    page.route("**/session", answer)
    log_in(page, email, "/orders")
    expect(page.get_by_role("status").filter(has_text="Trying again by itself in 1 second")).to_be_visible()
    expect(page.get_by_role("heading", name="No orders yet")).to_be_visible()


def test_a_log_in_that_went_stale_is_renewed_silently(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale()
    page = new_page()
    come(page, f"/sales/{sale.id}")
    go_stale(page)
    page.get_by_role("button", name="Get my ticket").click()
    expect(page.get_by_role("heading", name="It is yours!")).to_be_visible()
    go_stale(page)
    page.goto("/orders")
    expect(page.get_by_role("heading", name="My orders")).to_be_visible()
    expect(page.get_by_role("heading", name="Kettle")).to_be_visible()


def test_a_socket_that_came_back_as_a_stranger_makes_itself_known(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale()
    page = new_page()
    email = come(page, f"/sales/{sale.id}")
    expect(page.locator("#link")).to_have_text("Live")
    page.context.clear_cookies(name="fs_access")  # all that a script can see still says that all is well
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator("#link")).not_to_have_text("Live")
    expect(page.locator("#link")).to_have_text("Live")
    with shop.context.database.transaction() as session:
        user_id = session.scalars(select(User.id).where(User.email == email)).one()
    sale.submit(user_id)
    expect(page.get_by_role("heading", name="It is yours!")).to_be_visible()


def test_two_tabs_that_went_stale_together_both_stay_logged_in(new_page: NewPage) -> None:
    page = new_page()
    come(page, "/orders")
    tabs = [page, page.context.new_page(), page.context.new_page()]
    for tab in tabs[1:]:
        tab.goto("/orders")
    go_stale(page)
    for tab in tabs:
        tab.evaluate("setTimeout(() => location.reload())")
    for tab in tabs:
        expect(tab.get_by_role("button", name="Log out")).to_be_visible()
        expect(tab.locator("html")).to_have_attribute("data-session", "in")


def test_a_page_without_scripts_is_readable(platform: Platform, shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale(7)
    context = new_page().context.browser
    assert context is not None
    plain = context.new_context(base_url=platform.url, java_script_enabled=False)
    page = plain.new_page()
    page.goto(f"/sales/{sale.id}")
    expect(page.locator(".price .now")).to_have_text("$19.99")
    expect(face(page, "log_in")).to_be_visible()
    expect(page.locator(".sale-facts time").nth(1)).to_have_text(re.compile("UTC$"))
    plain.close()


def go_stale(page: Page) -> None:
    """As after a quarter of an hour: the access cookies have run out, the refresh cookies have not."""
    page.context.clear_cookies(name="fs_access")
    page.context.clear_cookies(name="fs_csrf")
