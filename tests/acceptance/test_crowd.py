"""`make crowd`, but small: every phase to its end, every socket told the truth, and nobody left behind."""

import json
from pathlib import Path
from typing import Final

import pytest

from benchmarks.harness.processes import free_port, naming
from benchmarks.sockets.report import CHECKS
from tests.acceptance.running import DEADLINE_S, interrupt, run

pytestmark = pytest.mark.acceptance

FEW: Final = 40  # sockets, where it is not about their number
OPENED: Final = f"sockets: {FEW} of {FEW}"
PHASES: Final = ("coming", "idle", "changes apart", "changes at once", "echo", "rush")
SIZES: Final = [  # of sockets, of those who rush, of units; and how often all processes are replaced
    pytest.param(120, 24, 4, 0, id="120"),
    pytest.param(2000, 400, 40, 1, id="2000-and-a-restart", marks=pytest.mark.release),
]


def environment_of(place: Path, **more: object) -> dict[str, str]:
    """A run that has all phases, in a place where what it leaves behind would be found."""
    wanted: dict[str, object] = {
        "SOCKETS": FEW,
        "RUSHERS": 20,
        "UNITS": 2,
        "LOGGED_IN": 0.5,
        "CHANGES": 2,
        "BURST": 4,
    }
    wanted |= {"IDLE": 1, "RECONNECT": 1, "DEADLINE": DEADLINE_S, "PORT": free_port(), "TMPDIR": place}
    return {name: str(value) for name, value in (wanted | more).items()}


@pytest.mark.parametrize(("sockets", "rushers", "units", "restarts"), SIZES)
def test_every_socket_is_told_everything(
    tmp_path: Path, sockets: int, rushers: int, units: int, restarts: int
) -> None:
    place, report = tmp_path / "place", tmp_path / "crowd.json"
    place.mkdir()
    asked = environment_of(place, SOCKETS=sockets, RUSHERS=rushers, UNITS=units, RECONNECT=restarts)
    run("benchmarks.sockets", "--json", str(report), environment=asked)
    told = json.loads(report.read_text())
    assert told["passed"]
    assert told["checks"] == dict.fromkeys(CHECKS, 0)
    phases = told["phases"]
    assert list(phases) == [*PHASES, *["restart"] * restarts]
    assert phases["coming"]["TCP sockets in use, both ends"] >= 2 * sockets
    assert phases["changes at once"]["heard after the request"]["count"] == 4 * sockets
    assert phases["echo"]["to the answer"]["count"] == sockets
    assert phases["rush"]["to the answer"]["count"] == rushers
    assert phases["rush"]["from the sale's end to the last word"]["count"] == rushers - units
    if restarts:
        assert phases["restart"]["sockets lost"] >= sockets
        assert phases["restart"]["last words heard after coming back"] == rushers - units
    assert list(place.iterdir()) == []
    assert naming(place) == []


@pytest.mark.release
def test_a_run_that_is_interrupted_leaves_nobody_behind(tmp_path: Path) -> None:
    place, output = tmp_path / "place", tmp_path / "output"
    place.mkdir()
    interrupt(
        *("benchmarks.sockets", "--json", str(tmp_path / "crowd.json")),
        output=output,
        when=lambda: OPENED in output.read_text(),
        environment=environment_of(place, IDLE=600),
    )
    assert naming(place) == []
    assert list(place.iterdir()) == []


def test_a_run_that_comes_to_nothing_says_why_and_fails(tmp_path: Path) -> None:
    asked = environment_of(
        tmp_path, URL="http://127.0.0.1:1", RECONNECT=0, DEADLINE=1, ADMIN_PASSWORD="a pass phrase"
    )
    said = run("benchmarks.sockets", "--json", str(tmp_path / "crowd.json"), code=1, environment=asked)
    assert "not reachable" in said
