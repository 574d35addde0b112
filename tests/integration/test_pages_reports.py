"""The pages of reports: figures and charts without any script, for admins, in both languages."""

import re

import pytest
from flask.testing import FlaskClient

from models.enums import SaleStatus
from tasks.background import report_requests as asking
from tests.integration.conftest import Account
from tests.integration.test_pages_shown import MOST_BYTES, Markup, read, sign_in
from tests.support.played import Played
from tests.support.shop import SaleUnderTest, Shop


@pytest.fixture
def played(shop: Shop) -> Played:
    played = Played.to_its_end(shop)
    played.settle()
    return played


@pytest.fixture
def empty(shop: Shop) -> SaleUnderTest:
    """A sale that nobody came to."""
    sale = shop.open_sale(5)
    sale.move(SaleStatus.ENDED)
    shop.sweep()
    return sale


def words(page: str) -> str:
    """A page's text, its gaps made single."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_a_report_shows_its_figures_and_charts_without_a_script(
    client: FlaskClient, admin: Account, played: Played
) -> None:
    played.refund()
    sign_in(client, admin)
    page = read(client, f"/admin/sales/{played.sale.id}/report")
    told = words(page)
    for said in ("Net $59.97", "Gross $79.96", "Heard «sold out» 1", "Left the line 1", "Final"):
        assert said in told, said
    assert page.count('class="plot"') == 4
    assert page.count('role="img"') == 4
    assert f'href="/api/v1/sales/{played.sale.id}/report.csv"' in page
    assert Markup(page).inline == []
    assert len(page) < MOST_BYTES


def test_the_report_of_a_sale_that_nobody_came_to_says_so(
    client: FlaskClient, admin: Account, empty: SaleUnderTest
) -> None:
    sign_in(client, admin)
    page = read(client, f"/admin/sales/{empty.id}/report")
    assert "Nobody came" in page
    assert "None" not in words(page)
    assert 'class="plot"' not in page


def test_a_report_that_takes_long_is_waited_for(
    client: FlaskClient, admin: Account, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "AT_ONCE", 0)
    sign_in(client, admin)
    assert "data-task=" in read(client, f"/admin/sales/{played.sale.id}/report")
    assert "data-task=" in read(client, f"/admin/compare?a={played.sale.id}&b={played.sale.id}")


def test_another_span_of_time_can_be_looked_at(client: FlaskClient, admin: Account, played: Played) -> None:
    sign_in(client, admin)
    sql = "UPDATE orders SET paid_at = paid_at + interval '1 hour' WHERE id = :id"
    last = max(played.sale.orders(), key=lambda order: str(order.paid_at or ""))
    played.sale.sql(sql, id=last.id)
    path = f"/admin/sales/{played.sale.id}/report"
    page = read(client, path)
    assert 'href="?span=60#charts"' in page
    assert "1 min" in words(read(client, path + "?span=60"))
    assert read(client, path + "?span=junk").count("plot") == page.count("plot")


def test_two_sales_are_shown_side_by_side(
    client: FlaskClient, admin: Account, played: Played, empty: SaleUnderTest
) -> None:
    sign_in(client, admin)
    page = read(client, f"/admin/compare?a={played.sale.id}&b={empty.id}")
    told = words(page)
    assert "Intents 8 0 -8 0%" in told
    assert page.count('class="plot"') == 4
    assert "None" not in told
    assert Markup(page).inline == []
    nothing = read(client, f"/admin/compare?a={empty.id}&b={empty.id}")
    assert 'class="plot"' not in nothing


def test_the_choice_is_there_before_anything_was_chosen(
    client: FlaskClient, admin: Account, empty: SaleUnderTest
) -> None:
    sign_in(client, admin)
    assert "selected" not in read(client, "/admin/compare")
    assert f'value="{empty.id}" selected' in read(client, f"/admin/compare?a={empty.id}")
    read(client, "/admin/compare?a=junk", 422)
