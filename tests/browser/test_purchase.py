"""A person buys by hand, in a real browser, over a real web process, worker, PostgreSQL and Redis."""

import re

import pytest
from playwright.sync_api import Page, expect

from benchmarks.harness.platform import Platform
from models.enums import SaleStatus
from tests.browser.conftest import NewPage
from tests.browser.people import come, face, join, register, slot
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


def show_order(page: Page, total: str) -> None:
    expect(page.get_by_role("heading", name="It is yours!")).to_be_visible()
    expect(face(page, "held").locator(".order-total")).to_have_text(total)
    expect(face(page, "held").locator("time.countdown")).to_have_text(re.compile(r"^\d{1,2}:\d\d$"))


def test_a_shopper_registers_buys_and_finds_the_held_order_again_after_a_reload(
    shop: Shop, new_page: NewPage
) -> None:
    sale = shop.open_sale(5, limit=2)
    page = new_page()
    page.goto(f"/sales/{sale.id}")
    page.get_by_role("link", name="Log in to buy").click()
    page.locator("main").get_by_role("link", name="Register").click()
    register(page, f"/sales/{sale.id}")
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Get my ticket").click()
    show_order(page, "$39.98")
    expect(slot(page, "ticket", "held")).to_have_text("1")
    expect(page.locator("[data-slot=held]")).to_have_text("2")
    page.reload()
    show_order(page, "$39.98")
    expect(page.get_by_role("button", name="Get another ticket")).to_be_hidden()
    page.goto("/orders")
    expect(page.get_by_role("heading", name="Kettle")).to_be_visible()
    expect(page.locator(".order strong .money")).to_have_text("$39.98")
    assert [order.quantity for order in sale.orders()] == [2]
    assert sale.audit().ok


def test_places_and_verdicts_move_without_a_reload_and_are_the_same_in_a_second_tab(
    held_worker: Platform, shop: Shop, new_page: NewPage
) -> None:
    sale = shop.open_sale(1)
    first, second = new_page(), new_page(1440)
    join(first, sale.id)
    expect(slot(first, "ticket")).to_have_text("1")
    join(second, sale.id)
    expect(slot(second, "ticket")).to_have_text("2")
    expect(slot(second, "position")).to_have_text("2")
    tab = second.context.new_page()
    tab.goto(f"/sales/{sale.id}")
    expect(slot(tab, "ticket")).to_have_text("2")
    held_worker.let_go("worker")
    show_order(first, "$19.99")
    for page in (second, tab):
        expect(page.get_by_role("heading", name="You are standing by")).to_be_visible()
        expect(page.locator(".sale-facts [data-slot=available]")).to_have_text("0")


def test_what_is_given_back_goes_to_who_stands_by_and_an_end_is_told_to_the_rest(
    shop: Shop, new_page: NewPage
) -> None:
    sale = shop.open_sale(1)
    first, second, third = new_page(), new_page(), new_page()
    join(first, sale.id)
    show_order(first, "$19.99")
    for place, page in enumerate((second, third), start=1):
        join(page, sale.id)
        expect(page.get_by_role("heading", name="You are standing by")).to_be_visible()
        expect(slot(page, "position")).to_have_text(str(place))
    first.on("dialog", lambda dialog: dialog.accept())
    first.get_by_role("button", name="Give it back").click()
    expect(first.get_by_role("heading", name="Order cancelled")).to_be_visible()
    show_order(second, "$19.99")
    expect(slot(third, "position")).to_have_text("1")
    sale.move(SaleStatus.ENDED)
    expect(third.get_by_role("heading", name="The sale ended before your turn")).to_be_visible()


def test_who_leaves_the_line_is_told_so_and_may_come_again(
    held_worker: Platform, shop: Shop, new_page: NewPage
) -> None:
    sale = shop.open_sale()
    page = new_page()
    join(page, sale.id)
    page.get_by_role("button", name="Leave the line").click()
    expect(page.get_by_role("heading", name="You left the line")).to_be_visible()
    page.get_by_role("button", name="Get in line again").click()
    page.get_by_role("button", name="Get my ticket").click()
    expect(slot(page, "ticket")).to_have_text("2")
    held_worker.let_go("worker")
    show_order(page, "$19.99")


@pytest.mark.usefixtures("held_worker")
def test_a_verdict_given_while_the_page_was_cut_off_is_told_when_it_is_back(
    shop: Shop, new_page: NewPage
) -> None:
    sale = shop.open_sale()
    page = new_page()
    join(page, sale.id)
    expect(slot(page, "ticket")).to_have_text("1")
    page.context.set_offline(True)
    expect(page.locator("#link")).to_contain_text("You are offline")
    sale.drain()
    expect(slot(page, "ticket")).to_be_visible()
    page.context.set_offline(False)
    show_order(page, "$19.99")


def test_a_restart_of_the_web_process_costs_nobody_the_verdict(
    held_worker: Platform, shop: Shop, new_page: NewPage
) -> None:
    sale = shop.open_sale()
    page = new_page()
    join(page, sale.id)
    expect(slot(page, "ticket")).to_have_text("1")
    held_worker.stop("web")
    expect(page.locator("#link")).to_contain_text("Reconnecting")
    sale.drain()
    held_worker.start_program("web")
    show_order(page, "$19.99")
    expect(page.locator("#link")).to_contain_text("Live")


def test_a_page_opens_with_its_sale_and_closes_with_it(shop: Shop, new_page: NewPage) -> None:
    sale = shop.scheduled_sale(opens_in_s=3600)
    page = new_page()
    come(page, f"/sales/{sale.id}")
    expect(page.get_by_role("heading", name="Not open yet")).to_be_visible()
    expect(page.locator(".sale-facts .countdown").first).to_have_text(re.compile(r"^(1:00:00|59:\d\d)$"))
    sale.move(SaleStatus.OPEN)
    expect(page.get_by_role("button", name="Get my ticket")).to_be_visible()
    sale.move(SaleStatus.PAUSED)
    expect(page.get_by_role("heading", name="Paused for a moment")).to_be_visible()
    sale.move(SaleStatus.ENDED)
    expect(page.get_by_role("heading", name="This sale is over")).to_be_visible()
