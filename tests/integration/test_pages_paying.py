"""What the pages say of why an order changed, also where nobody foresaw the reason."""

from flask.testing import FlaskClient
from markupsafe import escape

from models.enums import OrderStatus
from models.tables.orders import OrderEvent
from tests.integration.conftest import Account
from tests.integration.test_pages_shown import read, sign_in, state_of
from tests.support.shop import SaleUnderTest, Shop
from web.shop.paying import NOTES, OTHERS


def change(sale: SaleUnderTest, reason: str) -> None:
    """Have something happen to the only order, which stays held."""
    [order] = sale.orders()
    with sale.context.database.transaction() as session:
        session.add(OrderEvent(order_id=order.id, status=order.status, reason=reason))


def test_the_pages_say_why_an_order_changed_in_sentences(
    client: FlaskClient, shop: Shop, shopper: Account
) -> None:
    sale = shop.open_sale(1)
    sale.submit(shopper.id)
    sale.drain()
    sign_in(client, shopper)
    for reason in (*NOTES, "do_not_honor", "constructor"):
        change(sale, reason)
        said = str(escape(NOTES.get(reason, OTHERS[OrderStatus.HELD])))
        assert said in read(client, "/orders")
    assert "do_not_honor" not in read(client, "/orders")
    assert state_of(read(client, f"/sales/{sale.id}"))["order_notes"] == {"reasons": NOTES, "others": OTHERS}
