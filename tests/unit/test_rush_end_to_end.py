"""A real crowd, in a process of its own, rushes a small shop; whatever the shop does wrong must show."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.rush.__main__ import main
from config import ROOT
from tests.unit.rush_shop import ADMIN, NEAR, running_shop

SHOPPERS, UNITS = 12, 4
COMMAND = [sys.executable, "-u", "-m", "benchmarks.rush"]
ENVIRONMENT = {
    "SHOPPERS": str(SHOPPERS),
    "UNITS": str(UNITS),
    "DEADLINE": "30",
    "ADMIN_EMAIL": ADMIN["email"],
    "ADMIN_PASSWORD": ADMIN["password"],
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",  # in case that it is looked for
    "REDIS_URL": "redis://127.0.0.1:1",
}


class Rush:
    """The tool within this process, which spares a start of Python; its crowd has a process of its own."""

    def __init__(self, place: Path, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]) -> None:
        self._report = place / "report.json"
        self._patch = patch
        self._captured = captured
        for name in ("PORT", "QUANTITY", "PAYING", "HOLD_SECONDS"):
            patch.delenv(name, raising=False)
        for name, value in {**ENVIRONMENT, "DATA_DIR": str(place)}.items():
            patch.setenv(name, value)

    def run(self, url: str, **extra: str) -> tuple[int, dict[str, Any], str]:
        """Exit code, JSON report, output."""
        for name, value in {"URL": url, **extra}.items():
            self._patch.setenv(name, value)
        code = main(["--json", str(self._report)])
        said = json.loads(self._report.read_text()) if self._report.exists() else {}
        return code, said, self._captured.readouterr().out


@pytest.fixture
def rush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Rush:
    return Rush(tmp_path, monkeypatch, capsys)


def test_an_honest_shop_passes_and_its_units_are_paid_for(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with running_shop() as shop:
        done = subprocess.run(
            [*COMMAND, "--json", str(report)],
            cwd=ROOT,
            env=ENVIRONMENT | {"URL": shop.url, "DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(report.read_text())["figures"]
    assert figures["accepted"] == SHOPPERS
    assert figures["verdicts"] == {"held": UNITS, "sold_out": SHOPPERS - UNITS}
    assert figures["heard_by"] == {"socket": SHOPPERS}
    assert shop.sale["sold"] == UNITS
    assert shop.sale["status"] == "ended"


def test_where_the_command_line_makes_no_accounts_shoppers_register(
    rush: Rush, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho there is no database >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr("benchmarks.harness.crowd_tokens.sys", SimpleNamespace(executable=str(broken)))
    with running_shop(host=NEAR) as shop:
        code, report, output = rush.run(shop.url, SHOPPERS="2", UNITS="1")
    assert code == 0, output
    told = "No tokens in bulk (there is no database); registering over HTTP instead."
    assert told in " ".join(output.split())
    assert report["figures"]["accepted"] == 2


def test_clients_get_through_busy_answers_lost_answers_and_broken_sockets(rush: Rush) -> None:
    with running_shop("busy", "throttled", "drops_answers", "breaks_sockets") as shop:
        code, report, output = rush.run(shop.url)
    assert code == 0, output
    figures = report["figures"]
    assert figures["resubmits"] == 2 * SHOPPERS
    assert figures["throttled"] == SHOPPERS
    assert figures["reconnects"] == SHOPPERS
    assert shop.seen == 4 * SHOPPERS


def test_whoever_hears_nothing_asks(rush: Rush) -> None:
    with running_shop("silent", "no_payments") as shop:
        code, report, output = rush.run(shop.url, DEADLINE="8", SHOPPERS="3", UNITS="3")
    assert code == 0, output
    assert report["figures"]["heard_by"] == {"poll": 3}
    assert report["notes"] == ["Payments are not offered by this shop: not paid."]


def test_a_quantity_of_several_leaves_only_what_nobody_fits(rush: Rush) -> None:
    with running_shop() as shop:
        code, report, output = rush.run(shop.url, QUANTITY="3", UNITS="7")
    assert code == 0, output
    assert report["figures"]["verdicts"]["held"] == 2


def test_where_a_third_lets_expire_and_a_third_is_declined_every_unit_is_paid_in_the_end(
    rush: Rush,
) -> None:
    with running_shop("breaks_sockets") as shop:
        code, report, output = rush.run(shop.url, PAYING="thirds", HOLD_SECONDS="1")
    assert code == 0, output
    figures = report["figures"]
    assert figures["paid_units"] == shop.sale["sold"] == UNITS
    expired = figures["manners"].get("lets_expire → expired", 0)  # none where none of these came early enough
    assert figures["orders"] == {"paid": UNITS, **({"expired": expired} if expired else {})}
    declined = figures["manners"].get("declined_first → paid", 0)
    assert figures["payments"].get("declined", 0) == declined
    assert figures["money"]["charged"] == figures["money"]["paid_orders"] == UNITS * 1999


def test_a_shop_that_sins_with_money_fails(rush: Rush) -> None:
    with running_shop("charges_twice", "keeps_what_expires") as shop:
        code, report, output = rush.run(shop.url, PAYING="thirds", HOLD_SECONDS="1", UNITS="10")
    assert code == 1, output
    assert {check for check, found in report["checks"].items() if found} == {
        *("double_charges", "money"),
        "unsold",
    }, output


def test_a_shop_that_sins_fails(rush: Rush) -> None:
    with running_shop("oversells", "lifo", "forgets_keys", "drops_answers") as shop:
        code, report, output = rush.run(shop.url)
    assert code == 1, output
    assert all(report["checks"][check] > 0 for check in ("oversold", "fifo", "doubled")), output
    assert "PROMISES WERE BROKEN" in output


def test_an_unreachable_shop_is_said_and_exits_2(rush: Rush) -> None:
    code, _, output = rush.run("http://127.0.0.1:1", DEADLINE="1")
    assert code == 2
    assert "not reachable" in output


def test_an_admin_who_is_not_let_in_is_said_and_exits_2(rush: Rush) -> None:
    with running_shop() as shop:
        code, _, output = rush.run(shop.url, ADMIN_PASSWORD="wrong")
    assert code == 2
    assert "cannot log in" in output


def test_nobody_to_log_in_as_is_said_and_exits_2(rush: Rush) -> None:
    code, _, output = rush.run("http://127.0.0.1:1", ADMIN_PASSWORD="")
    assert code == 2
    assert "ADMIN_PASSWORD" in output


def test_ctrl_c_ends_the_crowd_and_the_sale(tmp_path: Path) -> None:
    with running_shop("silent") as shop:
        environment = ENVIRONMENT | {"URL": shop.url, "DATA_DIR": str(tmp_path)}
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
