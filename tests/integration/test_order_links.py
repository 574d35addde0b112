"""An order by a link that was mailed: once, without a log-in, and nothing but this order."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, update

from models.tables.accounts import AccountLink
from models.tables.notices.verdicts import VerdictNotice
from models.tables.orders import Order
from tasks.accounts.order_links import OrderPass
from tasks.notices.absent import tell_due
from tests.integration.conftest import SECRET_KEY, Account
from tests.support.paying import Till
from tests.support.shop import Shop
from web.http.services import Services

LINKS = "/api/v1/order-links"


@dataclass(frozen=True, slots=True)
class Mailed:
    """Somebody whose hold was told by mail, and the token of its link."""

    order: Order
    token: str


@pytest.fixture
def mailed(parts: Services, client: FlaskClient, admin: Account, shopper: Account) -> Mailed:
    shop = Shop(Till.over(parts.context).context)
    sale = shop.open_sale(1)
    sale.submit(shopper.id)
    sale.drain()
    with parts.database.transaction() as session:
        session.execute(update(VerdictNotice).values(due_at=func.now()))
    tell_due(shop.context)
    [mail] = client.get("/api/v1/admin/mails?kind=hold_begun", headers=admin.headers).get_json()["items"]
    told = client.get(f"/api/v1/admin/mails/{mail['id']}", headers=admin.headers).get_json()
    [token] = re.findall(r"/o#([\w-]+)", told["text"])
    return Mailed(sale.orders()[0], token)


def opened(client: FlaskClient, mailed: Mailed) -> dict[str, str]:
    answer = client.post(LINKS, json={"token": mailed.token})
    assert answer.status_code == 200
    return {"Authorization": f"Bearer {answer.get_json()['order_pass']}"}


def test_a_link_opens_its_order_to_be_paid(client: FlaskClient, mailed: Mailed) -> None:
    holder = opened(client, mailed)
    assert client.get(f"{LINKS}/order", headers=holder).get_json()["id"] == str(mailed.order.id)
    paid = client.post(f"{LINKS}/order/payments", json={"method": "sandbox_ok"}, headers=holder)
    assert (paid.status_code, paid.get_json()["status"]) == (202, "paying")


def test_a_link_opens_its_order_to_be_given_back(client: FlaskClient, mailed: Mailed) -> None:
    holder = opened(client, mailed)
    assert client.post(f"{LINKS}/order/cancel", headers=holder).get_json()["status"] == "cancelled"
    assert client.post(f"{LINKS}/order/cancel", headers=holder).status_code == 409


def test_a_link_is_good_once_also_for_many_at_once(client: FlaskClient, mailed: Mailed) -> None:
    app = client.application

    def use(_: int) -> int:
        return app.test_client().post(LINKS, json={"token": mailed.token}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(use, range(16))) == [200] + [410] * 15


def test_a_link_that_has_expired_opens_nothing(client: FlaskClient, parts: Services, mailed: Mailed) -> None:
    with parts.database.transaction() as session:
        session.execute(update(AccountLink).values(expires_at=func.now()))
    assert client.post(LINKS, json={"token": mailed.token}).get_json()["code"] == "link_spent"


def test_a_pass_is_no_log_in_and_no_log_in_a_pass(
    client: FlaskClient, mailed: Mailed, shopper: Account
) -> None:
    holder = opened(client, mailed)
    for path in ("/api/v1/me", "/api/v1/orders", f"/api/v1/orders/{mailed.order.id}"):
        assert client.get(path, headers=holder).status_code == 401
    paying = f"/api/v1/orders/{mailed.order.id}/payments"
    assert client.post(paying, json={"method": "sandbox_ok"}, headers=holder).status_code == 401
    assert client.get(f"{LINKS}/order", headers=shopper.headers).status_code == 410


@pytest.mark.parametrize("spoiled", ["", "x", "é", "..", "0.0.9.0"])
def test_what_is_no_pass_opens_nothing(client: FlaskClient, mailed: Mailed, spoiled: str) -> None:
    good = opened(client, mailed)["Authorization"].removeprefix("Bearer ")
    over = OrderPass(mailed.order.id, mailed.order.user_id, int(time.time())).write(SECRET_KEY)
    others = OrderPass(mailed.order.id, mailed.order.user_id, 2**33).write("another key")
    for one in (spoiled, good[:-1], "0" + good, over, others):
        answer = client.get(
            f"{LINKS}/order", headers={"Authorization": f"Bearer {one}".encode().decode("latin-1")}
        )
        assert answer.get_json()["code"] == "link_spent"
