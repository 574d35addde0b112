"""However the platform ends, nothing of it is left and nothing that it kept is lost."""

import signal
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from benchmarks.harness.processes import free_port
from models.audit.sale import audit_sale
from models.database import Database
from models.live.redis import connect
from models.live.store import Live
from models.tables.orders import Order
from tests.acceptance.running import StartedPlatform, servers_alone
from tests.support.polling import eventually

pytestmark = pytest.mark.acceptance
MOST = 200  # rows a page


def test_a_second_start_on_the_same_place_harms_nothing(platform: StartedPlatform) -> None:
    second = platform.launch("second", ["deploy.run"], {"PORT": str(free_port())})
    assert second.wait(60) != 0
    assert "in use already" in platform.log("second")
    assert platform.is_up
    assert platform.get("/readyz")["status"] == "ready"


def sales_of(platform: StartedPlatform) -> dict[str, Any]:
    return {sale["id"]: sale for sale in platform.get(f"/api/v1/sales?limit={MOST}")["items"]}


def orders_of(platform: StartedPlatform, token: str) -> list[str]:
    return [order["id"] for order in platform.get(f"/api/v1/orders?limit={MOST}", token)["items"]]


def decided_intent(platform: StartedPlatform, intent_id: str, token: str) -> Any:
    """It with its verdict; None before."""
    intent = platform.get(f"/api/v1/intents/{intent_id}", token)
    return intent if intent and intent["decided_at"] else None


def test_an_intent_accepted_before_a_crash_has_its_verdict_after_the_next_start(
    platform: StartedPlatform,
) -> None:
    """And whatever there was is found again."""
    token = platform.admin_token()
    before, orders = sales_of(platform), orders_of(platform, token)
    demo = next(sale for sale in before.values() if sale["status"] == "open" and sale["available"] > 0)
    intent = platform.post(f"/api/v1/sales/{demo['id']}/intents", {}, token)
    platform.kill("celery", "-Q drain")
    platform.kill("redis-server")
    platform.end(signal.SIGKILL)
    eventually(lambda: not platform.left_behind(), 60)
    platform.start()
    decided = eventually(lambda: decided_intent(platform, intent["id"], token))
    assert (decided["status"], decided["ticket"]) == ("held", intent["ticket"])
    after = sales_of(platform)
    assert set(after) == set(before)
    before[demo["id"]]["queue"]["last_ticket"] += 1
    for sale_id, sale in after.items():
        assert sale["allocation"] == sale["available"] + sale["held"] + sale["sold"]
        assert sale["queue"]["last_ticket"] == before[sale_id]["queue"]["last_ticket"]
        assert platform.get(f"/api/v1/sales/{sale_id}/audit", token)["ok"]
    assert orders_of(platform, token) == [decided["order_id"], *orders][:MOST]


def test_after_ctrl_c_nothing_is_left_and_everything_is_found_again(platform: StartedPlatform) -> None:
    token = platform.admin_token()
    intent = platform.post(f"/api/v1/sales/{platform.open_lobby(opens_in_s=1)}/intents", {}, token)
    eventually(lambda: decided_intent(platform, intent["id"], token))
    tickets = {sale["id"]: sale["queue"]["last_ticket"] for sale in sales_of(platform).values()}
    orders = orders_of(platform, token)
    assert orders
    assert platform.end() == 0
    assert platform.left_behind() == set()
    with servers_alone(platform) as (postgres, redis), closing(connect(redis.url)) as client:
        database, live = Database(postgres.url, pool_size=1, application_name="tests"), Live(client)
        with database.transaction() as session:
            assert set(orders) <= {str(found) for found in session.scalars(select(Order.id))}
        for sale_id, last in tickets.items():
            assert audit_sale(database, live, UUID(sale_id)).ok
            assert live.look(UUID(sale_id)).number("last_ticket") == last
        database.dispose()
