"""A short soak: every kind of fault once, a small crowd, and no promise broken."""

from pathlib import Path
from typing import Final

import orjson
import pytest

from tests.acceptance.running import interrupt, run
from tests.chaos.__main__ import HISTORY
from tests.chaos.checker import CHECKS
from tests.chaos.schedule import CLOCKS, FAULTS, MOVES
from tests.support.set_clock import can_set_clocks

pytestmark = pytest.mark.acceptance

SEED: Final = "20"


@pytest.mark.parametrize(
    ("seconds", "clients"),
    [pytest.param(24, 32, id="24s"), pytest.param(180, 100, id="180s", marks=pytest.mark.release)],
)
def test_every_kind_of_fault_costs_nobody_a_promise(tmp_path: Path, seconds: int, clients: int) -> None:
    report, kept = tmp_path / "report.json", tmp_path / "soak"
    asked = {"SECONDS_": str(seconds), "CLIENTS": str(clients), "SEED": SEED}
    run("tests.chaos", "--json", str(report), "--keep", str(kept), environment=asked)
    said = orjson.loads(report.read_bytes())
    assert said["checks"] == dict.fromkeys(CHECKS, 0)
    left_out = set() if can_set_clocks() else set(CLOCKS)
    assert said["figures"]["faults"].keys() == {*FAULTS, *MOVES} - left_out
    assert said["figures"]["accepted"] > 0
    assert said["figures"]["orders"]
    assert said["figures"]["payments"]
    assert said["figures"]["charges"]
    assert said["figures"]["webhooks"]


@pytest.mark.release
def test_an_interrupted_soak_leaves_nobody_behind(tmp_path: Path) -> None:
    kept = tmp_path / "soak"
    asked = {"SECONDS_": "60", "CLIENTS": "10", "SEED": SEED}
    interrupt(
        *("tests.chaos", "--keep", str(kept)),
        output=tmp_path / "output",
        when=lambda: has_snapshots(kept / HISTORY),
        environment=asked,
    )


def has_snapshots(history: Path) -> bool:
    """Whether the soak is under way."""
    return history.exists() and b"snapshot" in history.read_bytes()
