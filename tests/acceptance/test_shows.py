"""The shows, in short: a crowd that pays by thirds while everything dies, and a storm of webhooks."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.storm.letters import FORGED, GENUINE, Kind
from tests.acceptance.running import RUSH_S, StartedPlatform, run
from tests.support.polling import eventually

pytestmark = pytest.mark.acceptance

UNITS = 20
WEBHOOKS = 400
PATIENCE_S = "3"
PRICE = 1999


@pytest.fixture(scope="module")
def platform() -> Iterator[StartedPlatform]:
    """A platform that soon loses patience with its provider, whose own webhooks reach nobody."""
    platform = StartedPlatform(PAYMENT_PATIENCE_SECONDS=PATIENCE_S, SANDBOX_WEBHOOK_URL="http://127.0.0.1:9/")
    try:
        platform.start()
        yield platform
    finally:
        platform.remove()


def test_a_third_lets_expire_a_third_is_declined_and_every_unit_is_paid_once(
    platform: StartedPlatform,
) -> None:
    crowd, report = platform.rush(PAYING="thirds", SHOPPERS="150", UNITS=str(UNITS), HOLD_SECONDS="5")

    def first_sold() -> bool:
        sales = (platform.get("/api/v1/sales?status=open&limit=200") or {"items": []})["items"]
        return any(sale["sold"] > 0 for sale in sales)

    eventually(lambda: first_sold() or crowd.poll() is not None, RUSH_S)
    log = platform.log("rush")
    assert crowd.poll() is None, log
    for words in (("celery", "-Q drain"), ("celery", "-Q payments"), ("redis-server",)):
        platform.kill(*words)
    assert crowd.wait(2 * RUSH_S) == 0, platform.log("rush")
    figures = json.loads(report.read_text())["figures"]
    assert figures["paid_units"] == UNITS
    assert figures["orders"]["expired"] >= figures["manners"]["lets_expire → expired"] > 0
    assert figures["money"] == {
        "paid_orders": UNITS * PRICE,
        "charged": UNITS * PRICE + figures["money"]["refunded"],
        "refunded": figures["money"]["refunded"],
        "charged_by_provider": UNITS * PRICE + figures["money"]["refunded"],
        "refunded_by_provider": figures["money"]["refunded"],
    }


def test_people_get_from_the_page_to_the_receipt(platform: StartedPlatform, tmp_path: Path) -> None:
    people, units, report = 60, 12, tmp_path / "journey.json"
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
    assert counts["log in"] == 3
    assert counts["files"] > 3
    assert counts["payment"] == counts["receipt"] == units
    assert figures["verdicts"] == {"held": units, "sold_out": people - units}


def test_a_storm_of_webhooks_pays_nothing_twice_and_no_forgery_is_taken(
    platform: StartedPlatform, tmp_path: Path
) -> None:
    report = tmp_path / "storm.json"
    asked = {"WEBHOOKS": str(WEBHOOKS), "HOLD_SECONDS": "10", "DEADLINE": "150", "SEED": "7"}
    run("benchmarks.storm", "--json", str(report), environment=platform.environment(**asked))
    said = json.loads(report.read_text())
    assert not any(said["checks"].values())
    figures = said["figures"]
    assert sum(sum(answers.values()) for answers in figures["kinds"].values()) == WEBHOOKS
    assert figures["kinds"].keys() >= {*GENUINE, *FORGED, Kind.GARBAGE}
    assert all(figures["kinds"][kind].keys() == {"200"} for kind in GENUINE)
    assert all(figures["kinds"][kind].keys() <= {"400", "404"} for kind in FORGED)
    assert figures["late"] == figures["held_again"] + figures["late_refunded"] > 0
    money = figures["money"]
    assert money["charged"] - money["refunded"] == money["paid_orders"] > 0
