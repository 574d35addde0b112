"""What the platform uses of the CPU while nothing happens: all of `make run`, with sales open, by process.

    python -m benchmarks.speed --only rest [--seconds 60] [--sales 1]

CPU time is the processes' own, so that a busy machine hardly changes it.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.harness.platform import Platform
from benchmarks.harness.processes import cpu_seconds

READY_S: Final = 30.0
SETTLE_S: Final = 8.0  # until what the start and the sales' making left to do is done
UNIT: Final = "% of one core"
OURS: Final = "at rest, all processes of ours"
ALL: Final = "at rest, servers included"


def measure_rest(seconds: float, sales: int, add: Callable[[str, str, float], None]) -> None:
    """Start a platform, open sales, let it be, and tell of each kind of process what it used.

    Raises:
        CannotMeasure: the platform did not start, or let no sale be opened.
    """
    with tempfile.TemporaryDirectory(prefix="rest-") as folder:
        platform = Platform(Path(folder), {})
        try:
            platform.start()
            shop = platform.admin(patience_s=READY_S)
            for _ in range(sales):
                shop.open_sale(100, 1)
            time.sleep(SETTLE_S)
            used = _used(platform, seconds)
        finally:
            if platform.is_up:
                platform.end()
    for name, share in sorted(used.items()):
        add(name, UNIT, share)


def _used(platform: Platform, seconds: float) -> dict[str, float]:
    groups = _groups(platform)
    before = {name: cpu_seconds(pids) for name, pids in groups.items()}
    began = time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - began
    share = {name: (cpu_seconds(pids) - before[name]) * 100 / lasted for name, pids in groups.items()}
    servers = share["postgres"] + share["redis"]
    told = {f"at rest, {name}": value for name, value in share.items()}
    return told | {OURS: sum(share.values()) - servers, ALL: sum(share.values())}


def _groups(platform: Platform) -> dict[str, set[int]]:
    """The processes by what they are; servers by their program, the supervisor apart."""
    found: dict[str, set[int]] = {"supervisor": {platform.supervisor_pid}, "postgres": set(), "redis": set()}
    for one in platform.family():
        name = one.label.partition(".")[0]
        kind = next((server for server in ("postgres", "redis") if server in name), name)
        found.setdefault(kind, set()).add(one.pid)
    return found
