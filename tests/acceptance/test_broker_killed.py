"""RabbitMQ is killed in the middle of a sale and comes back: nobody who was told something notices."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.running import RUSH_S, StartedPlatform
from tests.support.polling import eventually
from tests.support.rabbit import Rabbit, require_rabbit

pytestmark = [pytest.mark.acceptance, pytest.mark.release]
SHOPPERS, UNITS = 600, 200
MIDDLE = 100  # tickets that are given when it is killed


@dataclass
class Scene:
    """The platform and its broker."""

    platform: StartedPlatform
    rabbit: Rabbit


@pytest.fixture(params=["classic", "quorum"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    require_rabbit()
    rabbit = Rabbit(tmp_path)
    platform = StartedPlatform(BROKER_URL=rabbit.url, BROKER_QUEUES=request.param)
    try:
        rabbit.start()
        platform.start()
        yield Scene(platform, rabbit)
    finally:
        platform.remove()
        rabbit.remove()


def test_a_crowd_is_served_truthfully_while_the_broker_is_killed(scene: Scene) -> None:
    platform = scene.platform
    before = {sale["id"] for sale in platform.get("/api/v1/sales?limit=200")["items"]}

    def tickets() -> int:
        sales = (platform.get("/api/v1/sales?limit=200") or {"items": []})["items"]
        return sum(sale["queue"]["last_ticket"] for sale in sales if sale["id"] not in before)

    crowd, report = platform.rush(SHOPPERS=str(SHOPPERS), UNITS=str(UNITS))
    eventually(lambda: tickets() >= MIDDLE or crowd.poll() is not None, RUSH_S)
    scene.rabbit.kill()
    assert crowd.poll() is None, platform.log("rush")
    admin = platform.admin_token()
    workforce = platform.get("/api/v1/admin/workers", admin)
    assert workforce["broker"] == {"is_reachable": False}
    eventually(lambda: tickets() == SHOPPERS or crowd.poll() is not None, RUSH_S)
    scene.rabbit.start()
    assert crowd.wait(RUSH_S) == 0, platform.log("rush")
    assert json.loads(report.read_text())["passed"], platform.log("rush")
    eventually(lambda: platform.text.count(" broker_back ") >= 1, told=lambda: platform.text)
    assert platform.get("/api/v1/admin/workers", admin)["broker"] == {"is_reachable": True}
    assert platform.get("/readyz")["status"] == "ready"
    assert "Traceback" not in platform.text
    assert platform.text.count(" broker_away ") < 20, platform.text
