"""The settings of `make crowd`, from environment and command line; the platform's stay `config`'s."""

import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from environs import Env
from marshmallow.validate import Range

import config
from benchmarks.harness.failures import CannotMeasure
from benchmarks.harness.settings import refusing_malformed, report_path

REPORT: Final = config.ROOT / "benchmarks" / "crowd.json"
SPARE_FILES: Final = (
    512  # descriptors that a web process keeps for everything but sockets, see web/sockets/hub.py
)
FILLED: Final = 0.75  # of what a process may hold; accepting spreads the sockets unevenly
MOST_A_CLIENT: Final = 17_000  # sockets of a client process
TOLD_A_SECOND: Final = 20_000  # sockets for which a second is left between changes that come one by one


@dataclass(frozen=True, slots=True)
class CrowdSettings:
    """How many, how long, and where. Times are in seconds.

    `url`: a shop that runs already; empty to start one. `share`: of the sockets that log in.
    `apart_s`: from one change to the next, where they come one by one.
    `within_s`: what the crowd is to be told within, at the 99th percentile.
    """

    sockets: int
    rushers: int
    units: int
    share: float
    changes: int
    burst: int
    apart_s: float
    idle_s: float
    reconnect: bool
    deadline_s: float
    within_s: float
    url: str
    port: int
    web_processes: int
    worker_processes: int
    json_path: Path | None

    @property
    def logged_in(self) -> int:
        """How many sockets say who they are; rushers must."""
        return max(self.rushers, round(self.sockets * self.share))

    @property
    def files(self) -> int:
        """The most files that a process here may have open."""
        return files_a_process()

    @property
    def client_processes(self) -> int:
        """How many processes it takes to hold the clients' ends."""
        most = min(MOST_A_CLIENT, files_a_process() - SPARE_FILES)
        return max(1, -(-self.sockets // most))


def read_crowd_settings(arguments: list[str] | None = None) -> CrowdSettings:
    """Read the environment and `--json FILE`.

    Raises:
        CannotMeasure: a value is malformed, or two contradict each other.
    """
    json_path = report_path("benchmarks.sockets", arguments, REPORT)
    with refusing_malformed():
        settings = _read(Env(eager=True), json_path)
    if settings.url and settings.reconnect:
        raise CannotMeasure(
            "RECONNECT restarts web processes: it takes a shop that was started here, no URL."
        )
    return settings


def _read(env: Env, json_path: Path | None) -> CrowdSettings:
    sockets = env.int("SOCKETS", 10_000, validate=Range(min=1, max=500_000))
    rushers = env.int("RUSHERS", min(sockets, 50_000), validate=Range(min=1, max=sockets))
    return CrowdSettings(
        sockets=sockets,
        rushers=rushers,
        units=env.int("UNITS", 1000, validate=Range(min=1)),
        share=env.float("LOGGED_IN", 1.0, validate=Range(min=0, max=1)),
        changes=env.int("CHANGES", 10, validate=Range(min=1, max=1000)),
        burst=env.int("BURST", 10, validate=Range(min=1, max=1000)),
        apart_s=env.float("APART", max(1.0, sockets / TOLD_A_SECOND), validate=Range(min=0)),
        idle_s=env.float("IDLE", 15.0, validate=Range(min=1)),
        reconnect=env.bool("RECONNECT", False),
        deadline_s=env.float("DEADLINE", 600.0, validate=Range(min=1)),
        within_s=env.float("WITHIN", 2.0, validate=Range(min=0)),
        url=env.str("URL", "").rstrip("/"),
        port=env.int("PORT", 8000, validate=Range(min=1, max=65535)),
        web_processes=env.int("WEB_PROCESSES", web_processes_for(sockets), validate=Range(min=1, max=64)),
        worker_processes=env.int("WORKER_PROCESSES", 1, validate=Range(min=1, max=64)),
        json_path=json_path,
    )


def web_processes_for(sockets: int) -> int:
    """How many web processes hold so many sockets, each with its open files."""
    most = int((files_a_process() - SPARE_FILES) * FILLED)
    return max(2, -(-sockets // most))


def files_a_process() -> int:
    """The most files that a process here may have open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_048_576 if hard == resource.RLIM_INFINITY else hard
