"""The gauges of running sales, as Prometheus reads them."""

from flask.testing import FlaskClient

from models.live.audits import AuditNote
from tasks.sales.auditing import audit_running_sales
from tests.support.shop import Shop


def gauges(client: FlaskClient) -> dict[str, float]:
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[:5] == "sale_"}


def test_a_running_sale_shows_its_figures(shop: Shop, client: FlaskClient) -> None:
    sale = shop.open_sale(units=2)
    sale.line_up(shop.shoppers(3))
    sale.drain()
    shown = gauges(client)
    assert shown[f'sale_held{{sale="{sale.id}"}}'] == 2
    assert shown[f'sale_standby{{sale="{sale.id}"}}'] == 1
    assert shown["sale_figures_readable"] == 1


def test_a_broken_invariant_shows_after_the_next_audit(shop: Shop, client: FlaskClient) -> None:
    sale = shop.open_sale(units=2)
    sale.line_up(shop.shoppers(2))
    sale.drain()
    name = f'sale_audit_ok{{sale="{sale.id}"}}'
    (audit,) = audit_running_sales(sale.context)
    assert (audit.ok, gauges(client)[name]) == (True, 1)
    sale.sql("UPDATE sales SET held = 1 WHERE id = :sale_id")
    (audit,) = audit_running_sales(sale.context)
    assert (audit.ok, gauges(client)[name]) == (False, 0)


def test_audits_that_take_long_are_made_less_often(shop: Shop) -> None:
    sale = shop.open_sale(units=2)
    live = sale.context.live
    now_ms = live.look(sale.id).now_ms
    for took_ms, audits in ((1_000_000, 0), (1, 1)):
        live.note_audit(sale.id, AuditNote(now_ms - 100, False, {}, took_ms))
        assert len(audit_running_sales(sale.context, rest=10)) == audits
    noted = live.noted_audit(sale.id)
    assert noted is not None
    assert noted.at_ms >= now_ms
    assert noted.took_ms > 0


def test_a_sale_that_is_over_shows_nothing(shop: Shop, client: FlaskClient) -> None:
    sale = shop.scheduled_sale()
    assert not any(str(sale.id) in name for name in gauges(client))
