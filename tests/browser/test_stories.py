"""Whole stories: from the front page to the receipt, by mouse and by keyboard, in English and in German."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.harness.platform import Platform
from models.enums import SaleStatus
from tests.browser.conftest import NewPage
from tests.browser.people import PASSWORD, face, hold, pay, slot
from tests.support.paying import Till
from tests.support.shop import Shop

pytestmark = pytest.mark.browser

MOST_STEPS = 60  # presses of the Tab key until something surely has the focus


def test_somebody_new_waits_in_the_lobby_is_drawn_buys_pays_and_has_the_receipt(
    held_worker: Platform, shop: Shop, new_page: NewPage
) -> None:
    sale = shop.lobby(units=3, order="draw")
    page = new_page()
    page.goto("/")
    page.locator(f"a[href='/sales/{sale.id}']").click()
    page.get_by_role("link", name="Register to buy").click()
    page.get_by_label("E-mail").fill("story@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Register").click()
    expect(page.get_by_text("whose order is drawn by lot at the opening")).to_be_visible()
    page.get_by_role("button", name="Get my ticket").click()
    expect(page.get_by_role("heading", name="You are in the lobby")).to_be_visible()
    sale.line_up(shop.shoppers(2))
    sale.move(SaleStatus.OPEN)
    expect(page.get_by_role("heading", name="You are in line")).to_be_visible()
    drawn = int(slot(page, "ticket").inner_text())
    assert 1 <= drawn <= 3
    expect(slot(page, "position")).to_have_text(str(drawn))
    held_worker.let_go("worker")
    expect(page.get_by_role("heading", name="It is yours!")).to_be_visible()
    expect(slot(page, "ticket", "held")).to_have_text(str(drawn))
    pay(page)
    page.locator("[data-receipt-link]").click()
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
    expect(page.get_by_role("row", name="Total")).to_contain_text("$19.99")
    expect(page.get_by_text("story@example.com")).to_be_visible()
    assert sale.audit().ok


def test_a_hold_that_runs_out_is_told_where_it_was_looked_at_and_in_another_tab(
    shop: Shop, new_page: NewPage
) -> None:
    sale = shop.open_sale(1)
    page = new_page()
    hold(page, sale)
    tab = page.context.new_page()
    [order] = sale.orders()
    tab.goto(f"/orders/{order.id}")
    expect(tab.get_by_role("link", name="Pay or give it back")).to_be_visible()
    Till.over(shop.context).end_hold(order)
    expect(page.get_by_role("heading", name="The hold ran out")).to_be_visible()
    expect(page.get_by_role("button", name="Get another ticket")).to_be_visible()
    expect(tab.get_by_text("Hold ran out").first).to_be_visible()
    expect(tab.get_by_role("link", name="Pay or give it back")).to_be_hidden()


def test_somebody_from_germany_buys_in_german(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale(2)
    page = new_page(locale="de-DE")
    page.goto(f"/sales/{sale.id}")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_role("link", name="Registrieren und kaufen").click()
    page.get_by_label("E-Mail").fill("kaethe@example.com")
    page.get_by_label("Passwort").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Registrieren").click()
    page.get_by_role("button", name="Nummer ziehen").click()
    expect(page.get_by_role("heading", name="Es gehört dir!")).to_be_visible()
    expect(face(page, "held").locator(".order-total")).to_have_text("19,99\u00a0$")
    page.get_by_label("Testkarte").select_option("sandbox_insufficient_funds")
    page.get_by_role("button", name=re.compile("^Bezahlen")).click()
    expect(page.get_by_text("Die Karte ist nicht gedeckt")).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="It is yours!")).to_be_visible()
    expect(page.get_by_text("There is not enough money on the card")).to_be_visible()


def test_the_keyboard_alone_suffices_to_register_and_buy(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale(2)
    page = new_page()
    page.goto(f"/sales/{sale.id}")
    press(page, page.get_by_role("link", name="Register to buy"))
    write(page, page.get_by_label("E-mail"), "keys@example.com")
    write(page, page.get_by_label("Password"), PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"/sales/{sale.id}")
    press(page, page.get_by_role("button", name="Get my ticket"))
    yours = page.get_by_role("heading", name="It is yours!")
    expect(yours).to_be_focused()
    press(page, page.get_by_role("button", name=re.compile("^Pay")))
    expect(page.get_by_role("heading", name="Paid. Thank you!")).to_be_focused()
    press(page, page.locator("[data-receipt-link]"))
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()


def reach(page: Page, target: Locator) -> None:
    """Press Tab until something has the focus, and see that it shows it."""
    expect(target).to_be_enabled()
    for _ in range(MOST_STEPS):
        if target.evaluate("one => one === document.activeElement"):
            assert target.evaluate("one => getComputedStyle(one).outlineStyle") != "none"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target} cannot be reached by the keyboard")


def press(page: Page, target: Locator) -> None:
    reach(page, target)
    page.keyboard.press("Enter")


def write(page: Page, target: Locator, words: str) -> None:
    reach(page, target)
    page.keyboard.type(words)
