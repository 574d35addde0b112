"""What `make run` promises: a crowd is served truthfully, in the quiet and in a storm; nothing is lost."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.harness.processes import free_port
from tests.acceptance.running import RUSH_S, StartedPlatform, run
from tests.support.polling import eventually

pytestmark = pytest.mark.acceptance
SHOPPERS = "300"  # enough for a rush that lasts while things die
FEW = "80"


@pytest.fixture(scope="module")
def platform() -> Iterator[StartedPlatform]:
    """The platform, started once; tests put back what they break."""
    platform = StartedPlatform()
    try:
        platform.start()
        yield platform
    finally:
        platform.remove()


def report_of(crowd: "subprocess.Popen[bytes]", report: Path) -> dict[str, Any]:
    """Wait for the crowd, and be sure that every promise was kept."""
    code = crowd.wait(RUSH_S)
    log = (report.parent / "rush.log").read_text()
    assert code == 0, log
    found: dict[str, Any] = json.loads(report.read_text())
    assert found["passed"], log
    return found


def test_a_crowd_is_served_truthfully(platform: StartedPlatform) -> None:
    report_of(*platform.rush(SHOPPERS=FEW))


def test_a_crowd_is_served_truthfully_while_everything_dies_once(platform: StartedPlatform) -> None:
    before = {sale["id"] for sale in platform.get("/api/v1/sales?limit=200")["items"]}

    def first_ticket() -> bool:
        sales = (platform.get("/api/v1/sales?limit=200") or {"items": []})["items"]
        return any(sale["queue"]["last_ticket"] > 0 for sale in sales if sale["id"] not in before)

    crowd, report = platform.rush(SHOPPERS=SHOPPERS, UNITS="100")
    eventually(lambda: first_ticket() or crowd.poll() is not None, RUSH_S)
    assert crowd.poll() is None, platform.log("rush")
    worker = platform.kill("celery", "-Q drain")
    redis = platform.kill("redis-server")
    postgres = platform.kill("postgres", "-D")
    report_of(crowd, report)
    ready = eventually(lambda: platform.get("/readyz"))
    assert ready["status"] == "ready", ready
    assert len({worker, redis, postgres}) == 3
    for name in ("redis", "postgres"):
        assert f"{name} died" in platform.text


@pytest.mark.parametrize(
    ("users", "seconds"), [(6, 6), pytest.param(30, 10, marks=pytest.mark.release)], ids=["few", "some"]
)
def test_locusts_shoppers_browse_stand_in_the_lobby_press_pay_and_leave(
    platform: StartedPlatform, users: int, seconds: int
) -> None:
    sale_id = platform.open_lobby(opens_in_s=3)
    said = run(
        *("locust", "-f", "benchmarks/locustfile.py", "--headless", "--json"),
        *("-u", str(users), "-r", str(users), "-t", f"{seconds}s", "--stop-timeout", "30"),
        *("--host", platform.url, "--sale", sale_id),
        *("--browsing", "0.2", "--leaving", "0.1", "--thinking", "0"),
    )
    counted = {one["name"]: one for one in json.loads(said)}
    assert all(one["num_failures"] == 0 for one in counted.values()), counted
    met = {"page: shop", "page: sale", "sales", "register", "log in", "socket", "press", "verdict", "pay"}
    assert met <= set(counted)
    paid = platform.get(f"/api/v1/sales/{sale_id}")["sold"]
    assert 0 < paid == counted["receipt"]["num_requests"]


def test_a_second_start_on_the_same_place_harms_nothing(platform: StartedPlatform) -> None:
    second = platform.launch("second", ["deploy.run"], {"PORT": str(free_port())})
    assert second.wait(60) != 0
    assert "in use already" in platform.log("second")
    assert platform.is_up
    assert platform.get("/readyz")["status"] == "ready"


def test_after_ctrl_c_nothing_is_left_and_everything_is_found_again(platform: StartedPlatform) -> None:
    token = platform.admin_token()
    before = {sale["id"]: sale for sale in platform.get("/api/v1/sales?limit=200")["items"]}
    orders = platform.get("/api/v1/orders?limit=200", token)["items"]
    assert orders
    assert platform.end() == 0
    assert platform.left_behind() == set()
    platform.start()
    after = {sale["id"]: sale for sale in platform.get("/api/v1/sales?limit=200")["items"]}
    assert set(after) == set(before)
    for sale_id, sale in after.items():
        assert sale["allocation"] == sale["available"] + sale["held"] + sale["sold"]
        assert sale["queue"]["last_ticket"] == before[sale_id]["queue"]["last_ticket"]
        assert platform.get(f"/api/v1/sales/{sale_id}/audit", token)["ok"]
    found = platform.get("/api/v1/orders?limit=200", token)["items"]
    assert [one["id"] for one in found] == [one["id"] for one in orders]


def test_an_intent_accepted_before_a_crash_has_its_verdict_after_the_next_start(
    platform: StartedPlatform,
) -> None:
    token = platform.admin_token()
    (demo,) = [sale for sale in platform.get("/api/v1/sales?status=open")["items"] if sale["available"] > 0][
        :1
    ]
    intent = platform.post(f"/api/v1/sales/{demo['id']}/intents", {}, token)
    platform.kill("celery", "-Q drain")
    platform.kill("redis-server")
    platform.end(signal.SIGKILL)
    eventually(lambda: not platform.left_behind(), 60)
    platform.start()
    path = f"/api/v1/intents/{intent['id']}"
    eventually(lambda: (platform.get(path, token) or {"decided_at": None})["decided_at"])
    decided = platform.get(path, token)
    assert (decided["status"], decided["ticket"]) == ("held", intent["ticket"])
