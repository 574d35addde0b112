"""The gauges of running sales, as Prometheus reads them."""

from flask.testing import FlaskClient

from tasks.sales.auditing import audit_running_sales
from tests.support.shop import Shop


def gauges(client: FlaskClient) -> dict[str, float]:
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[:5] == "sale_"}


def test_a_running_sale_shows_its_figures(shop: Shop, client: FlaskClient) -> None:
    sale = shop.drained_sale(2, asked=3)
    shown = gauges(client)
    assert shown[f'sale_held{{sale="{sale.id}"}}'] == 2
    assert shown[f'sale_standby{{sale="{sale.id}"}}'] == 1
    assert shown["sale_figures_readable"] == 1


def test_a_broken_invariant_shows_after_the_next_audit(shop: Shop, client: FlaskClient) -> None:
    sale = shop.drained_sale(2, asked=2)
    name = f'sale_audit_ok{{sale="{sale.id}"}}'
    (audit,) = audit_running_sales(sale.context)
    assert (audit.ok, gauges(client)[name]) == (True, 1)
    sale.sql("UPDATE sales SET held = 1 WHERE id = :sale_id")
    (audit,) = audit_running_sales(sale.context)
    assert (audit.ok, gauges(client)[name]) == (False, 0)


def test_a_sale_that_is_over_shows_nothing(shop: Shop, client: FlaskClient) -> None:
    sale = shop.scheduled_sale()
    assert not any(str(sale.id) in name for name in gauges(client))
