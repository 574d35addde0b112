"""The control room's sales and products: lists, filters, and forms in which only what may change is open."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from models.enums import SaleStatus
from models.tables.catalogue import Product
from tasks.sales.lifecycle import get_sale
from tasks.sales.view import show_sale
from tests.integration.conftest import Account
from tests.integration.control_pages import every_page, in_german, rows
from tests.integration.test_pages_shown import read, sign_in
from tests.support.shop import Shop
from web.control_room.sales import _times_of_another


def shown(page: str) -> list[str]:
    """The ids of the sales in the list."""
    return re.findall(r'<li class="panel row" data-sale="([^"]+)"', page)


def closed_fields(page: str) -> set[str]:
    """The names of the fields that cannot be changed; buttons have none."""
    return set(re.findall(r'<(?:input|select) [^>]*name="([^"]+)"[^>]* disabled', page))


def test_the_list_shows_each_sale_with_its_figures_and_its_verbs(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    sale = shop.drained_sale(10, asked=3)
    sign_in(client, admin)
    page = read(client, "/admin")
    assert "7 of 10 left, 3 held, 0 sold" in page
    assert f'<a href="/admin/sales/{sale.id}">Kettle</a>' in page
    offered = re.findall(r'<button[^>]*data-action="POST [^"]*/(\w+)"([^>]*)>', page)
    assert [verb for verb, rest in offered if " hidden" not in rest] == ["pause", "end", "cancel"]
    assert all("data-title=" in rest and "data-text=" in rest for _, rest in offered)


def test_the_list_is_filtered_and_paged(client: FlaskClient, shop: Shop, admin: Account) -> None:
    sales = [shop.scheduled_sale() for _ in range(3)]
    sales[0].move(SaleStatus.OPEN)
    sign_in(client, admin)
    assert shown(read(client, "/admin?status=open")) == [str(sales[0].id)]
    assert shown(read(client, "/admin?status=paused")) == []
    first = read(client, "/admin?status=scheduled&limit=1")
    older = re.search(r'href="([^"]+)" rel="next"', first)
    assert older is not None
    rest = read(client, older[1].replace("&amp;", "&"))
    assert shown(first) + shown(rest) == [str(sales[2].id), str(sales[1].id)]


def test_a_new_sale_is_made_in_a_form_that_has_every_setting(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    shop.product()
    sign_in(client, admin)
    page = read(client, "/admin/sales/new")
    names = set(re.findall(r'<(?:input|select) [^>]*name="([^"]+)"', page)) - {"next"}
    admission = {"admission.order", "admission.rate_per_second", "admission.max_open_holds"}
    times = {"opens_at", "closes_at", "lobby_opens_at"}
    assert names == admission | times | {
        "product_id", "price", "allocation", "per_shopper_limit", "hold_seconds", "requires_verified_email",
    }  # fmt: skip
    assert closed_fields(page) == set()
    assert "Times are in UTC" in page


def test_what_the_opening_fixes_can_be_changed_before_it_only(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    sale = shop.scheduled_sale(limit=2)
    sign_in(client, admin)
    path = f"/admin/sales/{sale.id}/edit"
    assert closed_fields(read(client, path)) == set()
    sale.move(SaleStatus.OPEN)
    opened = read(client, path)
    assert closed_fields(opened) == {"product_id", "opens_at", "lobby_opens_at", "admission.order"}
    assert re.search(r'name="per_shopper_limit"[^>]* min="2"', opened)
    sale.move(SaleStatus.ENDED)
    over = read(client, path)
    assert "This sale is over" in over
    assert "Save changes" not in over
    assert {"price", "allocation", "closes_at"} <= closed_fields(over)


def test_the_form_of_a_sale_has_its_settings_as_the_visitor_writes_them(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    sale = shop.scheduled_sale(10_000_000, rate_per_second=7)
    sign_in(client, admin)
    path = f"/admin/sales/{sale.id}/edit"
    assert 'value="19.99"' in read(client, path)
    assert 'value="19,99"' in in_german(client, path)
    assert 'value="10000000"' in read(client, path)
    assert re.search(r'name="admission.rate_per_second"[^>]* value="7"', read(client, path))


def test_a_sale_of_an_archived_product_still_names_it(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    sale = shop.open_sale()
    with shop.context.database.transaction() as session:
        session.execute(update(Product).values(archived_at=datetime.now(UTC)))
    sign_in(client, admin)
    assert re.search(r"<option [^>]*selected>Kettle", read(client, f"/admin/sales/{sale.id}/edit"))


def test_a_clone_is_proposed_at_the_models_time_of_day_on_a_day_to_come(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    sale = shop.lobby()
    now = datetime.now(UTC)
    told = show_sale(shop.context, get_sale(shop.context, sale.id))
    times = {name: datetime.fromisoformat(at) for name, at in _times_of_another(told, now).items() if at}
    assert now < times["lobby_opens_at"] < now + timedelta(days=2)
    for name, at in times.items():
        assert (at - datetime.fromisoformat(told[name])) % timedelta(days=1) == timedelta(0)
    sign_in(client, admin)
    page = read(client, f"/admin/sales/{sale.id}/clone")
    assert f'data-send="POST /api/v1/sales/{sale.id}/clone"' in page


def test_products_are_listed_with_their_sales_and_paged(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    sale = shop.open_sale()
    for _ in range(2):
        shop.product()
    sign_in(client, admin)
    listed = rows(read(client, "/admin/products"))
    assert len(listed) == 3
    assert listed[2].startswith("Kettle $49.99 1 ")
    assert len(every_page(client, "/admin/products?limit=1")) == 3
    page = read(client, "/admin/products")
    assert f'data-action="DELETE /api/v1/products/{sale.row().product_id}"' in page


def test_a_products_form_has_what_it_is(client: FlaskClient, shop: Shop, admin: Account) -> None:
    product = shop.product()
    sign_in(client, admin)
    page = read(client, f"/admin/products/{product}/edit")
    assert 'value="Kettle"' in page
    assert 'value="49.99"' in page
    assert f'data-send="PATCH /api/v1/products/{product}"' in page
    assert 'data-send="POST /api/v1/products"' in read(client, "/admin/products/new")


@pytest.mark.parametrize(
    ("currency", "minor", "written"),
    [("JPY", 123_456_789, "123456789"), ("KWD", 1_234_567, "1234.567"), ("USD", 10**11, "1000000000.00")],
)
def test_amounts_are_written_with_the_digits_that_their_currency_has(
    client: FlaskClient, shop: Shop, admin: Account, *, currency: str, minor: int, written: str
) -> None:
    product = shop.product()
    with shop.context.database.transaction() as session:
        session.execute(update(Product).values(currency=currency, list_price_minor=minor))
    sign_in(client, admin)
    assert f'value="{written}"' in read(client, f"/admin/products/{product}/edit")


def test_huge_figures_stand_there_with_their_thousands(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    shop.open_sale(10_000_000)
    sign_in(client, admin)
    assert "10,000,000 of 10,000,000 left" in read(client, "/admin")
