"""The control room's shoppers: found, and each with what they have been doing."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from models.errors import LineUnavailable
from models.live.store import Live
from models.tables.accounts import User
from tests.integration.conftest import Account, MakeAccount
from tests.integration.control_pages import every_page, rows, text_of
from tests.integration.test_pages_shown import read, sign_in
from tests.support.shop import Shop


def ban(client: FlaskClient, admin: Account, shopper: Account, reason: str) -> None:
    path = f"/api/v1/admin/shoppers/{shopper.id}/ban"
    assert client.post(path, json={"reason": reason}, headers=admin.headers).status_code == 200


def actions(page: str) -> list[str]:
    return [path.rpartition("/")[2] for path in re.findall(r'data-action="POST ([^"]+)"', page)]


def test_shoppers_are_found_by_a_part_of_name_or_email_and_by_id(
    client: FlaskClient, shop: Shop, admin: Account, shopper: Account
) -> None:
    with shop.context.database.transaction() as session:
        session.execute(update(User).where(User.id == shopper.id).values(name="Ada Lovelace"))
    sign_in(client, admin)
    for query in ("lovel", shopper.email[:10].upper(), str(shopper.id)):
        [row] = rows(read(client, f"/admin/shoppers?query={query}"))
        assert row.startswith(f"{shopper.email} Ada Lovelace Shopper 0 0")
    assert rows(read(client, "/admin/shoppers?query=%25")) == []


def test_banned_ones_can_be_listed_alone_and_lists_are_paged(
    client: FlaskClient, admin: Account, shopper: Account, make_account: MakeAccount
) -> None:
    make_account()
    ban(client, admin, shopper, "bots")
    sign_in(client, admin)
    [row] = rows(read(client, "/admin/shoppers?banned=true"))
    assert row.startswith(f"{shopper.email} Banned")
    assert len(every_page(client, "/admin/shoppers?limit=1")) == 3


def test_a_shoppers_page_tells_of_log_ins_places_and_orders(
    client: FlaskClient, shop: Shop, admin: Account, shopper: Account
) -> None:
    bought, line = shop.open_sale(5), shop.open_sale(5)
    bought.submit(shopper.id)
    bought.drain()
    line.submit(shopper.id)
    sign_in(client, admin)
    page = read(client, f"/admin/shoppers/{shopper.id}")
    told = rows(page)
    assert any(row.startswith("Kettle 1 1 In line") for row in told)
    assert any(row.startswith("Kettle 1 1 Granted") for row in told)
    [order] = bought.orders()
    assert any(row.startswith(f"{str(order.id)[-8:]} Kettle 1 $19.99 Held") for row in told)
    assert sum("Good" in row for row in told) == 1
    assert "1, of them 0 paid" in text_of(page)
    assert actions(page) == ["ban", "erase"]


def test_a_ban_is_shown_with_its_reason_and_can_be_lifted(
    client: FlaskClient, admin: Account, shopper: Account
) -> None:
    ban(client, admin, shopper, "bots")
    sign_in(client, admin)
    page = read(client, f"/admin/shoppers/{shopper.id}")
    assert "Reason bots" in text_of(page)
    assert actions(page) == ["unban", "erase"]
    assert any("Ended" in row for row in rows(page))
    assert any(f"{admin.email} banned Reason bots" in row for row in rows(page))


def test_an_admins_account_offers_no_ban(client: FlaskClient, admin: Account) -> None:
    sign_in(client, admin)
    page = read(client, f"/admin/shoppers/{admin.id}")
    assert actions(page) == []
    assert "Never stood in a line." in page


def test_while_the_lines_are_away_a_shoppers_page_says_so(
    client: FlaskClient, shop: Shop, admin: Account, shopper: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.open_sale()

    def away(*_: object) -> None:
        raise LineUnavailable("away")

    monkeypatch.setattr(Live, "standing_of", away)
    sign_in(client, admin)
    assert "The lines cannot be asked" in read(client, f"/admin/shoppers/{shopper.id}")
