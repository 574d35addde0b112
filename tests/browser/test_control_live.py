"""An admin watches a sale and acts on it, in a real browser; a shopper's page sees what was done."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.people import come, come_as_admin, join
from tests.support.shop import Shop

pytestmark = pytest.mark.browser

LIVE = "#overview"


def overview(new_page: NewPage, shop: Shop, sale_id: UUID) -> tuple[Page, str]:
    page = new_page(1440)
    return page, come_as_admin(page, shop, f"/admin/sales/{sale_id}")


def verb(page: Page, name: str) -> None:
    page.locator(LIVE).get_by_role("button", name=name, exact=True).click()


def test_an_admin_pauses_and_both_sides_see_it(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale(5)
    shopper = new_page()
    come(shopper, f"/sales/{sale.id}")
    page, email = overview(new_page, shop, sale.id)
    verb(page, "Pause")
    dialog = page.get_by_role("dialog", name="Pause the sale?")
    expect(dialog).to_contain_text("Everybody keeps the place in line")
    dialog.get_by_role("button", name="Pause").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(f"{LIVE} .pill").first).to_have_text("Paused")
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    expect(page.locator("#activity li").first).to_contain_text(f"{email} paused the sale")
    expect(shopper.locator("[data-slot=status]").first).to_have_text("Paused")
    verb(page, "Resume")
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    expect(shopper.locator("[data-slot=status]").first).to_have_text("Open now")


def test_a_price_is_changed_after_it_was_asked_once_more(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale(5)
    shopper = new_page()
    shopper.goto(f"/sales/{sale.id}")
    page, _email = overview(new_page, shop, sale.id)
    verb(page, "Price")
    field = page.get_by_role("dialog").get_by_label("New price in USD")
    expect(field).to_be_focused()
    field.fill("much")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()  # that is no amount
    field.fill("14.99")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator(f"{LIVE} .now")).to_have_text("$14.99")
    expect(page.locator("#activity li").first).to_contain_text("Price: $19.99 → $14.99")
    expect(shopper.locator(".price .now")).to_have_text("$14.99")


def test_who_goes_back_changes_nothing_and_keeps_the_focus(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale(5)
    page, _email = overview(new_page, shop, sale.id)
    verb(page, "End")
    expect(page.get_by_role("dialog").get_by_role("button", name="Go back")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="End", exact=True)).to_be_focused()
    assert sale.row().status == "open"


def test_the_figures_and_the_charts_move_as_shoppers_come(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale(3)
    page, _email = overview(new_page, shop, sale.id)
    join(new_page(), sale.id)
    expect(page.locator(f"{LIVE} .overview-stock [data-slot=held]")).to_have_text("1")
    expect(page.locator("[data-slot=funnel-held]")).to_have_text("1")
    expect(page.locator("#pace path.line").first).to_have_attribute("d", re.compile(r"^M.*L"))
    expect(page.locator("#stock svg")).to_have_attribute("aria-label", re.compile("Held: 1 now"))
    page.locator("#stock summary").click()
    expect(page.locator("#stock tbody tr").first).to_be_visible()


def test_the_page_of_the_workers_shows_those_that_are_heard(shop: Shop, new_page: NewPage) -> None:
    page = new_page(1440)
    come_as_admin(page, shop, "/admin/workers")
    expect(page.get_by_role("row", name=re.compile(r"drain\.1@.* Ready"))).to_be_visible()
    expect(page.get_by_text("No worker was heard in the last seconds")).to_be_hidden()
    expect(page.locator("[data-slot=queue-drain]")).to_have_text(re.compile(r"^\d+$"))
