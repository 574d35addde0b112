"""The shows, in short: a crowd that pays by thirds while everything dies, visitors, a storm of webhooks."""

import json
from pathlib import Path

import pytest

from benchmarks.storm.letters import FORGED, GENUINE, Kind
from tests.acceptance.running import RUSH_S, StartedPlatform, run
from tests.support.polling import eventually

pytestmark = pytest.mark.acceptance

PRICE = 1999
CROWDS = [  # of shoppers, for units
    pytest.param(100, 20, id="100"),
    pytest.param(400, 100, id="400", marks=pytest.mark.release),
]


@pytest.mark.parametrize(("shoppers", "units"), CROWDS)
def test_a_crowd_is_served_truthfully_while_everything_dies_once(
    platform: StartedPlatform, shoppers: int, units: int
) -> None:
    """A third lets expire, a third is declined, and every unit is paid once."""
    before = {sale["id"] for sale in platform.get("/api/v1/sales?limit=200")["items"]}
    asked = {"PAYING": "thirds", "SHOPPERS": str(shoppers), "UNITS": str(units), "HOLD_SECONDS": "5"}
    crowd, report = platform.rush(**asked)

    def is_in_line() -> bool:
        sales = (platform.get("/api/v1/sales?limit=200") or {"items": []})["items"]
        return any(sale["queue"]["last_ticket"] > 0 for sale in sales if sale["id"] not in before)

    eventually(lambda: is_in_line() or crowd.poll() is not None, RUSH_S)
    assert crowd.poll() is None, platform.log("rush")
    killed = {platform.kill("celery", f"-Q {queue}") for queue in ("drain", "payments")}
    killed |= {platform.kill("redis-server"), platform.kill("postgres", "-D")}
    assert crowd.wait(2 * RUSH_S) == 0, platform.log("rush")
    assert eventually(lambda: platform.get("/readyz"))["status"] == "ready"
    assert len(killed) == 4
    for name in ("redis", "postgres"):
        assert f"{name} died" in platform.text
    figures = json.loads(report.read_text())["figures"]
    assert figures["paid_units"] == units
    assert figures["orders"]["expired"] >= figures["manners"]["lets_expire → expired"] > 0
    assert figures["money"] == {
        "paid_orders": units * PRICE,
        "charged": units * PRICE + figures["money"]["refunded"],
        "refunded": figures["money"]["refunded"],
        "charged_by_provider": units * PRICE + figures["money"]["refunded"],
        "refunded_by_provider": figures["money"]["refunded"],
    }


@pytest.mark.release
def test_locusts_shoppers_browse_stand_in_the_lobby_press_pay_and_leave(platform: StartedPlatform) -> None:
    sale_id = platform.open_lobby(opens_in_s=3)
    said = run(
        *("locust", "-f", "benchmarks/locustfile.py", "--headless", "--json"),
        *("-u", "30", "-r", "30", "-t", "10s", "--stop-timeout", "30"),
        *("--host", platform.url, "--sale", sale_id),
        *("--browsing", "0.2", "--leaving", "0.1", "--thinking", "0"),
    )
    counted = {one["name"]: one for one in json.loads(said)}
    assert all(one["num_failures"] == 0 for one in counted.values()), counted
    met = {"page: shop", "page: sale", "sales", "register", "log in", "socket", "press", "verdict", "pay"}
    assert met <= set(counted)
    paid = platform.get(f"/api/v1/sales/{sale_id}")["sold"]
    assert 0 < paid == counted["receipt"]["num_requests"]


@pytest.mark.release
def test_people_get_from_the_page_to_the_receipt(platform: StartedPlatform, tmp_path: Path) -> None:
    people, units, report = 30, 6, tmp_path / "journey.json"
    asked = {
        "URL": platform.url,
        "PEOPLE": str(people),
        "UNITS": str(units),
        "ARRIVING": "2",
        "TYPED": "0.05",
    }
    run("benchmarks.journey", "--json", str(report), environment=platform.environment(**asked))
    figures = json.loads(report.read_text())["figures"]
    counts = {link: took["count"] for link, took in figures["links"].items()}
    assert counts["page"] == counts["socket"] == counts["intent"] == counts["verdict"] == people
    assert counts["log in"] == 2
    assert counts["files"] > 3
    assert counts["payment"] == counts["receipt"] == units
    assert figures["verdicts"] == {"held": units, "sold_out": people - units}


@pytest.mark.parametrize(
    ("webhooks", "hold_s"),
    [pytest.param(200, 6, id="200"), pytest.param(2000, 20, id="2000", marks=pytest.mark.release)],
)
def test_a_storm_of_webhooks_pays_nothing_twice_and_no_forgery_is_taken(
    platform: StartedPlatform, tmp_path: Path, webhooks: int, hold_s: int
) -> None:
    report = tmp_path / "storm.json"
    asked = {"WEBHOOKS": str(webhooks), "HOLD_SECONDS": str(hold_s), "DEADLINE": "150", "SEED": "7"}
    run("benchmarks.storm", "--json", str(report), environment=platform.environment(**asked))
    said = json.loads(report.read_text())
    assert not any(said["checks"].values())
    figures = said["figures"]
    assert sum(sum(answers.values()) for answers in figures["kinds"].values()) == webhooks
    assert figures["kinds"].keys() >= {*GENUINE, *FORGED, Kind.GARBAGE}
    assert all(figures["kinds"][kind].keys() == {"200"} for kind in GENUINE)
    assert all(figures["kinds"][kind].keys() <= {"400", "404"} for kind in FORGED)
    assert figures["late"] == figures["held_again"] + figures["late_refunded"] > 0
    money = figures["money"]
    assert money["charged"] - money["refunded"] == money["paid_orders"] > 0
