"""An admin runs the shop by hand: products and sales, a refund, a ban, a task that failed."""

import uuid

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select, update

from models.enums import TaskState
from models.tables.background import BackgroundTask
from tests.browser.conftest import NewPage
from tests.browser.people import come, come_as_admin, hold, log_in, pay
from tests.support.polling import eventually
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


def admins_page(shop: Shop, new_page: NewPage, target: str = "/admin") -> Page:
    """A page of somebody who was made an admin."""
    page = new_page(1440)
    come_as_admin(page, shop, target)
    return page


def confirm(page: Page, verb: str, **answers: str) -> None:
    """Answer the question before an action with yes."""
    dialog = page.get_by_role("dialog")
    for label, answer in answers.items():
        dialog.get_by_label(label).fill(answer)
    dialog.get_by_role("button", name=verb).click()
    expect(dialog).to_have_count(0)


def row_of(page: Page, name: str) -> Locator:
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name))


def test_an_admin_creates_a_product_and_a_sale_runs_it_and_clones_it(shop: Shop, new_page: NewPage) -> None:
    name = f"Notebook <b> {uuid.uuid4().hex[:6]}"
    page = admins_page(shop, new_page, "/admin/products")
    page.get_by_role("link", name="New product").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("List price").fill("1,234.50")
    page.get_by_role("button", name="Create product").click()
    expect(page.get_by_role("row").filter(has_text=name)).to_contain_text("$1,234.50")

    page.goto("/admin/sales/new")
    page.get_by_label("Product").select_option(label=f"{name} ($1,234.50)")
    page.get_by_label("Price").fill("999")
    page.get_by_label("Units").fill("3")
    page.get_by_label("Open holds at most").fill("2")
    page.get_by_role("button", name="Schedule the sale").click()
    row = row_of(page, name)
    for verb in ("Open", "Pause", "Resume"):
        row.get_by_role("button", name=verb).click()
        confirm(page, verb)
    expect(row.locator("[data-slot=status]")).to_have_text("Open now")
    expect(row.locator("[data-slot=available]")).to_have_text("3")
    expect(row.locator(".now")).to_have_text("$999.00")

    row.get_by_role("link", name="Clone").click()
    page.get_by_role("button", name="Schedule the sale").click()
    expect(row_of(page, name)).to_have_count(2)
    expect(row_of(page, name).first.locator("[data-slot=status]")).to_have_text("Coming")
    page.goto("/admin/log")
    expect(page.get_by_role("row").nth(1)).to_contain_text("made after another")


def test_faults_of_a_form_stand_at_their_fields_and_are_read_with_them(shop: Shop, new_page: NewPage) -> None:
    shop.product()
    page = admins_page(shop, new_page, "/admin/sales/new")
    price, closes = page.get_by_label("Price"), page.get_by_label("Closes")
    page.get_by_role("button", name="Schedule the sale").click()
    expect(price).to_be_focused()
    expect(price).to_have_attribute("aria-invalid", "true")
    price.fill("9.99")
    closes.fill("2020-01-01T10:00")
    page.get_by_role("button", name="Schedule the sale").click()
    expect(closes).to_have_accessible_description("Must be after the opening.")
    expect(closes).to_be_focused()
    expect(price).not_to_have_attribute("aria-invalid", "true")


def test_times_are_entered_in_the_visitors_zone(shop: Shop, new_page: NewPage) -> None:
    sale = shop.scheduled_sale()
    page = admins_page(shop, new_page, f"/admin/sales/{sale.id}/edit")
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Dubai"})
    page.reload()
    expect(page.get_by_text("Times are in your time zone: Asia/Dubai (GMT+4).")).to_be_visible()
    before = sale.row()
    page.get_by_label("Closes").fill("2030-01-01T10:00")
    page.get_by_role("button", name="Save changes").click()
    expect(page).to_have_url("/admin")
    after = sale.row()
    assert after.closes_at.isoformat() == "2030-01-01T06:00:00+00:00"
    assert after.opens_at == before.opens_at, "what was not touched keeps its seconds"


def test_a_product_that_is_being_sold_cannot_be_deleted_and_the_dialog_says_why(
    shop: Shop, new_page: NewPage
) -> None:
    shop.open_sale()
    page = admins_page(shop, new_page, "/admin/products")
    page.get_by_role("row").nth(1).get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog.get_by_role("alert")).to_contain_text("A sale that is not over sells this product.")


def test_an_admin_refunds_an_order_and_both_sides_see_it(shop: Shop, new_page: NewPage) -> None:
    sale, buyer = shop.open_sale(1), new_page()
    hold(buyer, sale)
    pay(buyer)
    [order] = sale.orders()
    page = admins_page(shop, new_page, f"/admin/orders?query={str(order.id)[-8:]}")
    page.get_by_role("link", name=str(order.id)[-8:]).click()
    page.get_by_role("button", name="Refund").click()
    expect(page.get_by_role("dialog")).to_contain_text("$19.99 go back to")
    confirm(page, "Refund", Reason="arrived broken")
    expect(page.locator("dl.terms").get_by_text("Refunded")).to_be_visible()
    expect(page.get_by_role("group", name="Refunds")).to_contain_text("arrived broken")
    buyer.goto("/orders")
    expect(buyer.locator(".order").first).to_contain_text("Refunded")


def test_a_banned_shopper_is_signed_out_within_seconds(shop: Shop, new_page: NewPage) -> None:
    person = new_page()
    email = come(person, "/orders")
    page = admins_page(shop, new_page, f"/admin/shoppers?query={email}")
    page.get_by_role("link", name=email).click()
    page.get_by_role("button", name="Ban").click()
    confirm(page, "Ban", Reason="bots")
    expect(page.locator("dl.terms").get_by_text("Banned")).to_be_visible()
    expect(page.locator("dl.terms").get_by_text("bots")).to_be_visible()
    eventually(lambda: "/login" in person.request.get("/orders").url)
    person.goto("/orders")
    expect(person).to_have_url("/login?next=/orders")
    log_in(person, email)
    expect(person.get_by_role("alert")).to_contain_text("banned")
    page.get_by_role("button", name="Let in again").click()
    confirm(page, "Let in again")
    expect(page.locator("dl.terms").get_by_text("May log in")).to_be_visible()


def test_a_failed_task_is_tried_again_and_its_page_follows_it(shop: Shop, new_page: NewPage) -> None:
    with shop.context.database.transaction() as session:
        task = BackgroundTask(kind="purge", state=TaskState.FAILURE, attempts=3, error="OSError('gone')")
        session.add(task)
        session.flush()
        task_id = task.id
    page = admins_page(shop, new_page, "/admin/tasks?state=FAILURE")
    page.get_by_role("link", name=str(task_id)[-8:]).click()
    expect(page.get_by_text("OSError('gone')")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    confirm(page, "Try again")
    expect(page.get_by_text("Is tried again")).to_be_visible()
    with shop.context.database.transaction() as session:
        done = {"state": TaskState.SUCCESS, "result": {"past_sales": 0}}
        session.execute(update(BackgroundTask).where(BackgroundTask.id == task_id).values(**done))
    expect(page.get_by_text('"past_sales": 0')).to_be_visible()
    with shop.context.database.transaction() as session:
        assert session.scalars(select(BackgroundTask.id).where(BackgroundTask.id == task_id)).one()
