"""Admins change the same at once, write amounts as at home, and clone sales over a change of clocks."""

import re
import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from models.tables.catalogue import Product
from tasks.products.changes import change_product
from tasks.sales.lifecycle import NewSale, change_units, create_sale
from tests.browser.conftest import NewPage
from tests.browser.people import come_as_admin
from tests.browser.test_control_live import overview, verb
from tests.browser.test_control_room import admins_page
from tests.support.shop import Shop
from web.shop.languages import COOKIE

pytestmark = pytest.mark.browser

BERLIN = ZoneInfo("Europe/Berlin")


def in_berlin(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTimezoneOverride", {"timezoneId": "Europe/Berlin"})
    page.reload()


def product_of(shop: Shop, name: str) -> Product:
    with shop.context.database.transaction() as session:
        return session.scalars(select(Product).where(Product.name == name)).one()


def test_a_clone_keeps_the_visitors_clock_over_the_change_of_clocks(shop: Shop, new_page: NewPage) -> None:
    now = datetime.now(BERLIN)
    other_half = 1 if now.dst() else 7  # a month that has the other time than now
    opens_at = datetime(now.year - 1, other_half, 10, 20, 0, tzinfo=BERLIN)
    new = NewSale(shop.product(), 5, 1_000, "USD", opens_at, opens_at + timedelta(hours=2))
    sale = create_sale(shop.context, new)
    page = admins_page(shop, new_page, f"/admin/sales/{sale.id}/clone")
    in_berlin(page)
    expect(page.get_by_label("Opens", exact=True)).to_have_value(re.compile(r"T20:00$"))
    expect(page.get_by_label("Closes")).to_have_value(re.compile(r"T22:00$"))
    page.get_by_role("button", name="Schedule the sale").click()
    expect(page).to_have_url("/admin")


def test_amounts_are_read_as_people_write_them_and_never_a_thousandfold(
    shop: Shop, new_page: NewPage
) -> None:
    page = admins_page(shop, new_page, "/admin/products/new")
    name = f"Dates {uuid.uuid4().hex[:6]}"
    page.get_by_label("Name").fill(name)
    price, currency = page.get_by_label("List price"), page.get_by_label("Currency")
    create = page.get_by_role("button", name="Create product")
    for amount, told in (
        ("1.500", "This can be read in two ways. Write all of its digits, e.g. 1500.00."),
        ("1.2345", "USD has this many digits after the decimal mark at most: 2."),
        ("2,000,000,000", "That is too much: $1,000,000,000.00 at most."),
        ("1 5", "Write an amount of USD, e.g. 19.99."),
    ):
        price.fill(amount)
        create.click()
        expect(price).to_have_accessible_description(told)
    currency.fill("KWD")
    price.fill("1,234.500")
    create.click()
    expect(page).to_have_url("/admin/products")
    product = product_of(shop, name)
    assert (product.list_price_minor, product.currency) == (1_234_500, "KWD")
    page.goto(f"/admin/products/{product.id}/edit")
    expect(price).to_have_value("1234.500")


def test_an_amount_is_written_in_the_visitors_way_and_read_back(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale()
    page = new_page(1440, locale="de-DE")
    page.goto("/login")
    page.context.add_cookies([{"name": COOKIE, "value": "en", "url": page.url}])
    come_as_admin(page, shop, f"/admin/sales/{sale.id}/edit")
    price = page.get_by_label("Price")
    expect(price).to_have_value("19,99")
    price.fill("1.234,50")
    page.get_by_role("button", name="Save changes").click()
    expect(page).to_have_url("/admin")
    assert sale.row().price_minor == 123_450


def test_who_saves_what_another_changed_is_told_and_loses_nothing(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale(10)
    page = admins_page(shop, new_page, f"/admin/sales/{sale.id}/edit")
    page.get_by_label("Units").fill("15")
    page.get_by_label("Limit for one shopper").fill("3")
    sale.change(allocation=12, hold_seconds=99)
    save = page.get_by_role("button", name="Save changes")
    save.click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this meanwhile")
    assert (sale.row().allocation, sale.row().per_shopper_limit) == (12, 1)
    expect(page.get_by_label("Units")).to_have_value("15")
    expect(page.get_by_label("Units")).to_have_accessible_description(re.compile("It is now: 12"))
    expect(page.get_by_label("Limit for one shopper")).to_have_value("3")
    expect(page.get_by_label("Limit for one shopper")).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Seconds of a hold")).to_have_value("99")
    save.click()
    expect(page).to_have_url("/admin")
    row = sale.row()
    assert (row.allocation, row.per_shopper_limit, row.hold_seconds) == (15, 3, 99)


def test_a_product_that_another_changed_is_shown_as_it_is(shop: Shop, new_page: NewPage) -> None:
    product = shop.product()
    page = admins_page(shop, new_page, f"/admin/products/{product}/edit")
    page.get_by_label("Description").fill("Boils")
    change_product(shop.context, product, {"list_price_minor": 777})
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this meanwhile")
    expect(page.get_by_label("List price")).to_have_value("7.77")
    page.get_by_role("button", name="Save changes").click()
    expect(page).to_have_url("/admin/products")
    with shop.context.database.transaction() as session:
        row = session.get_one(Product, product)
    assert (row.description, row.list_price_minor) == ("Boils", 777)


def test_units_are_raised_by_a_number_whatever_others_do(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale(10)
    page, _ = overview(new_page, shop, sale.id)
    verb(page, "Units")
    dialog = page.get_by_role("dialog")
    more = dialog.get_by_label("Or so many more or fewer")
    more.fill("some")
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    more.fill("+10")
    change_units(shop.context, sale.id, 5)
    dialog.get_by_role("button", name="Change the units").dblclick()
    expect(dialog).to_have_count(0)
    expect(page.locator("#activity li").first).to_contain_text("Units: 15 → 25")
    verb(page, "Units")
    more.fill("−5")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    assert sale.row().allocation == 20 == sale.look().number("allocation")


def test_a_dialog_tells_what_another_changed_and_keeps_what_was_typed(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale(10)
    page, _ = overview(new_page, shop, sale.id)
    verb(page, "Price")
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_label("New price in USD")
    field.fill("14.99")
    sale.change(price_minor=1_777)
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("Somebody else changed the sale meanwhile")
    expect(dialog).to_contain_text("It is $17.77 now.")
    expect(field).to_have_value("14.99")
    dialog.get_by_role("button", name="Change the price").click()
    expect(dialog).to_have_count(0)
    assert sale.row().price_minor == 1_499
