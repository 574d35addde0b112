"""`make bench`, but tiny: everything is measured, nothing is left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.harness.processes import naming
from config import ROOT

SMALL = ("--rounds", "1", "--intents", "1000", "--naive", "20", "--requests", "400")
TINY = ("--rounds", "1", "--intents", "100", "--naive", "20", "--requests", "50")
LIMIT_S = 240.0

DRAINED = ("plain inserts", "drain", "drain by two workers", "a task an intent")
ARRIVED = ("arrived by socket", "arrived by socket, CPU")
SERVED = (
    "bare route",
    "accepted over HTTP",
    "accepted over HTTP, CPU",
    "accepted by Flask",
    "accepted by Flask, CPU",
    "a sale looked at",
    "accepted over HTTP, two processes",
    "accepted beside a bare route, by CPU",
    "accepted over HTTP beside sockets",
    "accepted over HTTP beside sockets, CPU",
    "accepted by socket",
    "accepted by socket, CPU",
    "accepted by socket beside HTTP, by CPU",
    *ARRIVED,
)
EVERYTHING = (*(f"{name}, {sale}" for name in DRAINED for sale in ("flash", "all win")), *SERVED)


@pytest.mark.release
@pytest.mark.parametrize(
    ("asked", "expected", "aims"),
    [
        pytest.param((*TINY, "--only", "arrivals"), ARRIVED, 1, id="arrivals"),
        pytest.param(SMALL, EVERYTHING, 10, id="everything"),
    ],
)
def test_a_tiny_run_measures_what_is_asked_for_and_leaves_nothing(
    tmp_path: Path, asked: tuple[str, ...], expected: tuple[str, ...], aims: int
) -> None:
    report, place = tmp_path / "report.json", tmp_path / "place"
    place.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.speed", *asked, "--json", str(report)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(place)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(report.read_text())
    assert set(expected) <= set(told["figures"])
    assert all(figure["median"] > 0 for name, figure in told["figures"].items() if name in expected)
    assert len(told["aims"]) == aims
    assert told["shape"]["intents"] == int(asked[3])
    assert list(place.iterdir()) == []
    assert naming(place) == []
