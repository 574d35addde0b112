"""A short soak: every kind of fault once, a small crowd, and no promise broken."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import orjson
import pytest

from benchmarks.harness.processes import Process, family_of, runs
from config import ROOT
from tests.chaos.__main__ import HISTORY
from tests.chaos.checker import CHECKS
from tests.chaos.schedule import CLOCKS, FAULTS, MOVES
from tests.support.polling import eventually
from tests.support.set_clock import can_set_clocks

pytestmark = pytest.mark.acceptance

SEED: Final = "20"
KEPT: Final = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
DEADLINE_S: Final = 600  # ends a soak that hangs; it times nothing


@pytest.mark.parametrize(
    ("seconds", "clients"),
    [pytest.param(30, 40, id="30s"), pytest.param(180, 100, id="180s", marks=pytest.mark.release)],
)
def test_every_kind_of_fault_costs_nobody_a_promise(tmp_path: Path, seconds: int, clients: int) -> None:
    report, kept = tmp_path / "report.json", tmp_path / "soak"
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--json", str(report), "--keep", str(kept)],
        cwd=ROOT,
        env={**KEPT, "SECONDS_": str(seconds), "CLIENTS": str(clients), "SEED": SEED},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
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
    soak = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos", "--keep", str(kept)],
        cwd=ROOT,
        env={**KEPT, "SECONDS_": "60", "CLIENTS": "10", "SEED": SEED},
        stdout=subprocess.DEVNULL,
    )
    family: list[Process] = []
    try:
        eventually(lambda: has_snapshots(kept / HISTORY), DEADLINE_S, told=soak.poll)
        family = family_of(soak.pid)
        assert len(family) > 5
    finally:
        soak.send_signal(signal.SIGINT)
        code = soak.wait(DEADLINE_S)
    assert code == 130
    eventually(lambda: not any(runs(one.pid) for one in family))


def has_snapshots(history: Path) -> bool:
    """Whether the soak is under way."""
    return history.exists() and b"snapshot" in history.read_bytes()
