"""A real crowd, in processes of its own, rushes a small shop; whatever the shop does wrong must show."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config import ROOT
from tests.unit.rush_shop import ADMIN, NEAR, FakeShop, running_shop

SHOPPERS, UNITS = 12, 4
COMMAND = [sys.executable, "-u", "-m", "benchmarks.rush"]


def environment_of(url: str, tmp_path: Path) -> dict[str, str]:
    """A crowd's whole environment; the database is nobody's, in case it is looked for."""
    return {
        "URL": url,
        "SHOPPERS": str(SHOPPERS),
        "UNITS": str(UNITS),
        "DEADLINE": "30",
        "DATA_DIR": str(tmp_path),
        "ADMIN_EMAIL": ADMIN["email"],
        "ADMIN_PASSWORD": ADMIN["password"],
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1",
    }


def rush(url: str, tmp_path: Path, **extra: str) -> tuple[int, dict[str, Any], str]:
    """Run the command as a user does: (exit code, JSON report, output)."""
    report = tmp_path / "report.json"
    done = subprocess.run(
        [*COMMAND, "--json", str(report)],
        cwd=ROOT,
        env=environment_of(url, tmp_path) | extra,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = json.loads(report.read_text()) if report.exists() else {}
    return done.returncode, said, done.stdout + done.stderr


def rush_shop(shop: FakeShop, tmp_path: Path, **extra: str) -> tuple[int, dict[str, Any], str]:
    return rush(shop.url, tmp_path, **extra)


def test_an_honest_shop_passes_and_its_units_are_paid_for(tmp_path: Path) -> None:
    with running_shop(host=NEAR) as shop:
        code, report, output = rush_shop(shop, tmp_path)
    assert code == 0, output
    assert "registering over HTTP instead" in output  # as nobody's database has no accounts
    assert report["figures"]["accepted"] == SHOPPERS
    assert report["figures"]["verdicts"] == {"held": UNITS, "sold_out": SHOPPERS - UNITS}
    assert report["figures"]["heard_by"] == {"socket": SHOPPERS}
    assert shop.sale["sold"] == UNITS
    assert shop.sale["status"] == "ended"


def test_clients_get_through_busy_answers_lost_answers_and_broken_sockets(tmp_path: Path) -> None:
    with running_shop("busy", "throttled", "drops_answers", "breaks_sockets") as shop:
        code, report, output = rush_shop(shop, tmp_path)
    assert code == 0, output
    figures = report["figures"]
    assert figures["resubmits"] == 2 * SHOPPERS
    assert figures["throttled"] == SHOPPERS
    assert figures["reconnects"] == SHOPPERS
    assert shop.seen == 4 * SHOPPERS


def test_whoever_hears_nothing_asks(tmp_path: Path) -> None:
    with running_shop("silent", "no_payments") as shop:
        code, report, output = rush_shop(shop, tmp_path, DEADLINE="16", SHOPPERS="3", UNITS="3")
    assert code == 0, output
    assert report["figures"]["heard_by"] == {"poll": 3}
    assert report["notes"] == ["Payments are not offered by this shop: not paid."]


def test_a_quantity_of_several_leaves_only_what_nobody_fits(tmp_path: Path) -> None:
    with running_shop() as shop:
        code, report, output = rush_shop(shop, tmp_path, QUANTITY="3", UNITS="7")
    assert code == 0, output
    assert report["figures"]["verdicts"]["held"] == 2


def test_where_a_third_lets_expire_and_a_third_is_declined_every_unit_is_paid_in_the_end(
    tmp_path: Path,
) -> None:
    with running_shop("breaks_sockets") as shop:
        code, report, output = rush_shop(shop, tmp_path, PAYING="thirds", HOLD_SECONDS="1")
    assert code == 0, output
    figures = report["figures"]
    assert figures["paid_units"] == shop.sale["sold"] == UNITS
    expired = figures["manners"].get("lets_expire → expired", 0)  # none where none of these came early enough
    assert figures["orders"] == {"paid": UNITS, **({"expired": expired} if expired else {})}
    declined = figures["manners"].get("declined_first → paid", 0)
    assert figures["payments"].get("declined", 0) == declined
    assert figures["money"]["charged"] == figures["money"]["paid_orders"] == UNITS * 1999


@pytest.mark.parametrize(
    ("fault", "checks"),
    [("charges_twice", {"double_charges", "money"}), ("keeps_what_expires", {"unsold"})],
)
def test_a_shop_that_sins_with_money_fails(fault: str, checks: set[str], tmp_path: Path) -> None:
    with running_shop(fault) as shop:
        code, report, output = rush_shop(shop, tmp_path, PAYING="thirds", HOLD_SECONDS="1", UNITS="10")
    assert code == 1, output
    assert {check for check, found in report["checks"].items() if found} == checks, output


@pytest.mark.parametrize(
    ("fault", "check"), [("oversells", "oversold"), ("lifo", "fifo"), ("forgets_keys", "doubled")]
)
def test_a_shop_that_sins_fails(fault: str, check: str, tmp_path: Path) -> None:
    faults = (fault, "drops_answers") if fault == "forgets_keys" else (fault,)
    with running_shop(*faults) as shop:
        code, report, output = rush_shop(shop, tmp_path)
    assert code == 1, output
    assert report["checks"][check] > 0, output
    assert "PROMISES WERE BROKEN" in output


def test_an_unreachable_shop_is_said_and_exits_2(tmp_path: Path) -> None:
    code, _, output = rush("http://127.0.0.1:1", tmp_path, DEADLINE="1")
    assert code == 2
    assert "not reachable" in output


def test_an_admin_who_is_not_let_in_is_said_and_exits_2(tmp_path: Path) -> None:
    with running_shop() as shop:
        code, _, output = rush_shop(shop, tmp_path, ADMIN_PASSWORD="wrong")
    assert code == 2
    assert "cannot log in" in output


def test_nobody_to_log_in_as_is_said_and_exits_2(tmp_path: Path) -> None:
    code, _, output = rush("http://127.0.0.1:1", tmp_path, ADMIN_PASSWORD="")
    assert code == 2
    assert "ADMIN_PASSWORD" in output


def test_ctrl_c_ends_the_crowd_and_the_sale(tmp_path: Path) -> None:
    with running_shop("silent") as shop:
        environment = environment_of(shop.url, tmp_path)
        crowd = subprocess.Popen(
            COMMAND, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert crowd.stdout is not None
        assert any(line.startswith("intents answered: 12") for line in crowd.stdout)
        os.killpg(crowd.pid, signal.SIGINT)
        output, _ = crowd.communicate(timeout=30)
        assert crowd.returncode == 130
        assert "Interrupted." in output
        assert shop.sale["status"] == "ended"
