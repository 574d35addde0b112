"""RabbitMQ, or the node of a cluster that all use, is killed in mid-sale: no shopper notices."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.running import RUSH_S, StartedPlatform
from tests.support.polling import eventually
from tests.support.rabbit import Rabbit, RabbitCluster, require_rabbit

pytestmark = [pytest.mark.acceptance, pytest.mark.release]
SHOPPERS, UNITS = 600, 200
MIDDLE = 100  # tickets that are given when it is killed
CONSUMERS = 4  # two workers, payments and background


@dataclass
class Crowd:
    """One that was sent to a sale of its own."""

    platform: StartedPlatform
    process: "subprocess.Popen[bytes]"
    report: Path
    before: set[str]  # the sales that there were

    def tickets(self) -> int:
        """Count the tickets that it was given."""
        sales = (self.platform.get("/api/v1/sales?limit=200") or {"items": []})["items"]
        return sum(sale["queue"]["last_ticket"] for sale in sales if sale["id"] not in self.before)

    def is_given(self, tickets: int) -> bool:
        """Whether it has so many, or does not ask any more."""
        return self.tickets() >= tickets or self.process.poll() is not None

    def ends_well(self) -> None:
        """It ends, and was told the truth."""
        told = self.platform.log("rush")
        assert self.process.wait(RUSH_S) == 0, told
        assert json.loads(self.report.read_text())["passed"], told


def crowd_in_the_middle(platform: StartedPlatform) -> Crowd:
    """Send a crowd, and wait until some of it stand in line."""
    before = {sale["id"] for sale in platform.get("/api/v1/sales?limit=200")["items"]}
    crowd = Crowd(platform, *platform.rush(SHOPPERS=str(SHOPPERS), UNITS=str(UNITS)), before)
    eventually(lambda: crowd.is_given(MIDDLE), RUSH_S)
    return crowd


def says_it_is_reachable(platform: StartedPlatform, admin: str) -> bool:
    told = platform.get("/api/v1/admin/workers", admin) or {}
    return bool(told.get("broker") == {"is_reachable": True})


@contextmanager
def served(broker: Rabbit | RabbitCluster, queues: str) -> Iterator[StartedPlatform]:
    """Run the platform over a broker, and end both."""
    platform = StartedPlatform(BROKER_URL=broker.url, BROKER_QUEUES=queues)
    try:
        broker.start()
        platform.start()
        yield platform
    finally:
        platform.remove()
        broker.remove()


@pytest.mark.parametrize("queues", ["classic", "quorum"])
def test_a_crowd_is_served_truthfully_while_the_broker_is_killed(tmp_path: Path, queues: str) -> None:
    require_rabbit()
    rabbit = Rabbit(tmp_path)
    with served(rabbit, queues) as platform:
        crowd = crowd_in_the_middle(platform)
        rabbit.kill()
        assert crowd.process.poll() is None, platform.log("rush")
        admin = platform.admin_token()
        assert not says_it_is_reachable(platform, admin)
        eventually(lambda: crowd.is_given(SHOPPERS), RUSH_S)
        rabbit.start()
        crowd.ends_well()
        eventually(lambda: platform.text.count(" broker_back ") >= 1, told=lambda: platform.text)
        assert says_it_is_reachable(platform, admin)
        assert platform.get("/readyz")["status"] == "ready"
        assert "Traceback" not in platform.text
        assert platform.text.count(" broker_away ") < 20, platform.text


def test_a_cluster_goes_on_while_the_node_that_all_use_is_killed_and_then_the_next(tmp_path: Path) -> None:
    require_rabbit()
    cluster = RabbitCluster(tmp_path)
    with served(cluster, "quorum") as platform:
        assert cluster.leader("drain") is cluster.nodes[0]
        admin = platform.admin_token()
        for times, node in enumerate(cluster.nodes[:2], 1):  # the order in which they are asked
            crowd = crowd_in_the_middle(platform)
            node.kill()
            assert crowd.process.poll() is None, platform.log("rush")
            eventually(lambda: says_it_is_reachable(platform, admin), told=lambda: platform.text)
            crowd.ends_well()
            eventually(lambda: is_heard_again(platform, times), told=lambda: platform.text)  # noqa: B023
            eventually(lambda: cluster.leader("drain") is not node)  # noqa: B023
            node.start()
        assert platform.text.count(" broker_away ") < 20, platform.text
        assert "Traceback" not in platform.text


def is_heard_again(platform: StartedPlatform, times: int) -> bool:
    """Whether all who listen for bells found a broker again so often."""
    lines = platform.text.splitlines()
    return sum(" broker_back " in line and "part=consumer" in line for line in lines) == times * CONSUMERS
