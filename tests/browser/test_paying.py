"""A person pays by hand: at once, after a decline, and over a reload while the provider thinks."""

import re

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.conftest import NewPage
from tests.browser.people import face, hold, sees_paid
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


def pay(page: Page, card: str) -> None:
    page.get_by_label("Test card").select_option(card)
    page.get_by_role("button", name=re.compile("^Pay")).click()


def test_who_pays_sees_the_receipt_and_finds_it_again(shop: Shop, new_page: NewPage) -> None:
    page = new_page()
    sale = hold(page, shop.open_sale(2))
    pay(page, "sandbox_ok")
    sees_paid(page)
    receipt = face(page, "held").locator("[data-slot=receipt]")
    expect(receipt).to_have_text(re.compile(r"^\d{4}-\d{6}$"))
    number = receipt.inner_text()
    expect(page.locator(".sale-facts [data-slot=sold]")).to_have_text("1")
    page.reload()
    expect(receipt).to_have_text(number)
    page.goto("/orders")
    expect(page.get_by_text(number)).to_be_visible()
    assert sale.audit().ok


def test_what_costs_nothing_is_confirmed_with_one_press(shop: Shop, new_page: NewPage) -> None:
    page = new_page()
    sale = shop.open_sale(2)
    sale.change(price_minor=0)
    hold(page, sale)
    expect(page.get_by_label("Test card")).to_be_hidden()
    page.reload()
    expect(page.get_by_label("Test card")).to_be_hidden()
    page.get_by_role("button", name="Confirm").click()
    sees_paid(page)
    assert sale.audit().ok


def test_a_declined_card_is_told_and_another_may_pay(shop: Shop, new_page: NewPage) -> None:
    page = new_page(1440)
    hold(page, shop.open_sale(2))
    pay(page, "sandbox_insufficient_funds")
    expect(page.get_by_text("There is not enough money on the card")).to_be_visible()
    expect(page.get_by_role("button", name="Give it back")).to_be_visible()
    pay(page, "sandbox_ok")
    sees_paid(page)
    expect(page.get_by_text("There is not enough money")).to_be_hidden()


def test_a_payment_under_way_is_shown_over_a_reload_and_in_another_tab(shop: Shop, new_page: NewPage) -> None:
    page = new_page()
    sale = hold(page, shop.open_sale(2))
    pay(page, "sandbox_slow:5")
    expect(page.get_by_role("heading", name="Your payment is under way")).to_be_visible()
    expect(page.get_by_role("button", name="Give it back")).to_be_hidden()
    tab = page.context.new_page()
    tab.goto(f"/sales/{sale.id}")
    page.reload()
    for one in (page, tab):
        sees_paid(one)


def test_an_outcome_that_was_not_told_is_asked_for(shop: Shop, new_page: NewPage) -> None:
    page = new_page()

    def lose_orders(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda told: None if '"type":"order"' in str(told) else socket.send(told))

    page.route_web_socket(re.compile("/ws"), lose_orders)
    hold(page, shop.open_sale(2))
    pay(page, "sandbox_slow:5")
    expect(page.get_by_role("heading", name="Your payment is under way")).to_be_visible()
    sees_paid(page)


def test_who_has_an_order_to_pay_is_not_led_away_from_it(shop: Shop, new_page: NewPage) -> None:
    page = new_page()
    sale = shop.open_sale(5, limit=3)
    hold(page, sale)
    more = page.get_by_role("button", name="Get another ticket")
    expect(more).to_be_hidden()
    page.reload()
    expect(more).to_be_hidden()
    pay(page, "sandbox_ok")
    sees_paid(page)
    expect(more).to_be_visible()
