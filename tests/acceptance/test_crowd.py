"""`make crowd`, but small: every phase to its end, every socket told the truth, and nobody left behind.

The smallest visits a shop that runs already; before a release bigger ones start a shop of their own.
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks.harness.processes import free_port, naming
from benchmarks.sockets.report import CHECKS
from tests.acceptance.running import DEADLINE_S, StartedPlatform, interrupt, run

pytestmark = pytest.mark.acceptance

FEW, RUSHERS, UNITS = 40, 20, 2  # sockets, of them those who rush, and for how many units
OPENED: Final = f"sockets: {FEW} of {FEW}"
PHASES: Final = ("coming", "idle", "changes apart", "changes at once", "echo", "rush")


def environment_of(place: Path, **more: object) -> dict[str, str]:
    """A run that has all phases, in a place where what it leaves behind would be found."""
    wanted: dict[str, object] = {
        "SOCKETS": FEW,
        "RUSHERS": RUSHERS,
        "UNITS": UNITS,
        "LOGGED_IN": 0.5,
        "CHANGES": 2,
        "BURST": 4,
    }
    wanted |= {"IDLE": 1, "RECONNECT": 1, "DEADLINE": DEADLINE_S, "PORT": free_port(), "TMPDIR": place}
    return {name: str(value) for name, value in (wanted | more).items()}


def test_every_socket_is_told_everything(platform: StartedPlatform, tmp_path: Path) -> None:
    asked = environment_of(tmp_path, RECONNECT=0, URL=platform.url)
    told = told_of_a_crowd(tmp_path, platform.environment(**asked))
    assert list(told["phases"]) == [*PHASES]
    assert_all_were_told(told["phases"], FEW, RUSHERS, UNITS)


@pytest.mark.release
def test_every_socket_of_thousands_is_told_everything_though_all_processes_are_replaced(
    tmp_path: Path,
) -> None:
    sockets, rushers, units = 2000, 400, 40
    place = tmp_path / "place"
    place.mkdir()
    told = told_of_a_crowd(tmp_path, environment_of(place, SOCKETS=sockets, RUSHERS=rushers, UNITS=units))
    phases = told["phases"]
    assert list(phases) == [*PHASES, "restart"]
    assert_all_were_told(phases, sockets, rushers, units)
    assert phases["restart"]["sockets lost"] >= sockets
    assert phases["restart"]["last words heard after coming back"] == rushers - units
    assert list(place.iterdir()) == []
    assert naming(place) == []


def told_of_a_crowd(place: Path, environment: dict[str, str]) -> Any:
    """Its report, by which nothing was wrong."""
    report = place / "crowd.json"
    run("benchmarks.sockets", "--json", str(report), environment=environment)
    told = json.loads(report.read_text())
    assert told["passed"]
    assert told["checks"] == dict.fromkeys(CHECKS, 0)
    return told


def assert_all_were_told(phases: Any, sockets: int, rushers: int, units: int) -> None:
    """Each of them, in each phase."""
    assert phases["coming"]["TCP sockets in use, both ends"] >= 2 * sockets
    assert phases["changes at once"]["heard after the request"]["count"] == 4 * sockets
    assert phases["echo"]["to the answer"]["count"] == sockets
    assert phases["rush"]["to the answer"]["count"] == rushers
    assert phases["rush"]["from the sale's end to the last word"]["count"] == rushers - units


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
