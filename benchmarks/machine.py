"""Owns what a figure must be read with: the machine's shape, its versions, and where processes run on it."""

import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import text

from models.database import Database
from models.live.redis import Client

_PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")  # a second


def describe_machine(database: Database, redis: Client) -> dict[str, Any]:
    """Say on what, and beside what load, the figures were taken."""
    with database.connection() as connection:
        postgres = connection.execute(text("SHOW server_version")).scalar_one()
    info = cast(dict[str, Any], redis.info("server"))
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "postgresql": str(postgres),
        "redis": str(info["redis_version"]),
        "load_average": load_average(),
    }


def load_average() -> list[float]:
    """How many processes wanted to run, over the last 1, 5 and 15 minutes: more than cores is noise."""
    return [round(one, 2) for one in os.getloadavg()]


def descendants(pid: int) -> set[int]:
    """The processes that a process started, and those that they started."""
    parents = {int(path.name): int(fields[1]) for path, fields in _stats()}
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in found | {pid}} - found:
        found |= more
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """What these processes have used of the CPU so far, in user and in kernel mode."""
    wanted = set(pids)
    used = (int(fields[11]) + int(fields[12]) for path, fields in _stats() if int(path.name) in wanted)
    return sum(used) / _TICKS


def pin(pids: Iterable[int], cores: set[int]) -> None:
    """Keep processes, with all their threads, on some cores; those that end meanwhile are left alone."""
    for pid in pids:
        try:
            threads = [int(path.name) for path in (_PROC / str(pid) / "task").iterdir()]
            for thread in threads:
                os.sched_setaffinity(thread, cores)
        except (FileNotFoundError, ProcessLookupError):
            continue


def _stats() -> Iterable[tuple[Path, list[str]]]:
    """Each process with the fields of its `stat` that follow its name."""
    for path in _PROC.glob("[0-9]*"):
        try:
            yield path, (path / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
