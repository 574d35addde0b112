"""A sale that asks for a confirmed address: who gets no ticket, whichever way they come, and who gets one."""

import http.client
import json
import uuid
from typing import Any

import pytest
from sqlalchemy import func, update

from models.errors import EmailNotVerified
from models.tables.accounts import User
from tasks.sales import lifecycle
from tests.integration.socket_shop import Said, Shop, Shopper
from tests.support.polling import eventually


def strict_sale(shop: Shop) -> uuid.UUID:
    sale_id = shop.open_sale()
    lifecycle.change_sale(shop.context, sale_id, {"requires_verified_email": True})
    return sale_id


def confirm(shop: Shop, shopper: Shopper) -> None:
    with shop.context.database.transaction() as session:
        session.execute(update(User).where(User.id == shopper.id).values(email_verified_at=func.now()))


def by_post(shop: Shop, shopper: Shopper, sale_id: uuid.UUID, **headers: str) -> Said:
    """By a plain request, which is answered at the connection; `Connection: close` leaves it to Flask."""
    connection = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=30)
    sent = {"Content-Type": "application/json", "Authorization": f"Bearer {shopper.token}", **headers}
    connection.request("POST", f"/api/v1/sales/{sale_id}/intents", "{}", sent)
    told: Said = json.loads(connection.getresponse().read())
    connection.close()
    return told


def by_flask(shop: Shop, shopper: Shopper, sale_id: uuid.UUID) -> Said:
    return by_post(shop, shopper, sale_id, Connection="close")


def by_socket(shop: Shop, shopper: Shopper, sale_id: uuid.UUID) -> Said:
    return shop.connect(shopper).ask(type="intent", sale_id=str(sale_id))


@pytest.mark.parametrize("ask", [by_post, by_flask, by_socket])
def test_who_has_not_confirmed_the_address_gets_no_ticket_until_it_is_confirmed(shop: Shop, ask: Any) -> None:
    sale_id, shopper = strict_sale(shop), shop.make_shopper()
    for _ in range(2):  # the second time, the process knows the sale
        assert ask(shop, shopper, sale_id)["code"] == "email_not_verified"
    assert shop.context.live.look(sale_id).number("last_ticket") == 0
    confirm(shop, shopper)
    assert ask(shop, shopper, sale_id)["ticket"] == 1


def test_a_change_of_the_setting_is_heard_while_the_sale_is_open(shop: Shop) -> None:
    sale_id = shop.open_sale()
    assert by_socket(shop, shop.make_shopper(), sale_id)["ticket"] == 1

    def is_refused() -> bool:
        return "code" in by_post(shop, shop.make_shopper(), sale_id)

    lifecycle.change_sale(shop.context, sale_id, {"requires_verified_email": True})
    eventually(is_refused)
    lifecycle.change_sale(shop.context, sale_id, {"requires_verified_email": False})
    eventually(lambda: not is_refused())


def test_a_confirmed_address_is_remembered(shop: Shop) -> None:
    context, shopper = shop.context, shop.make_shopper()
    with pytest.raises(EmailNotVerified):
        context.confirmed.require(shopper.id)
    confirm(shop, shopper)
    context.confirmed.require(shopper.id)
    assert context.confirmed.knows(shopper.id)
