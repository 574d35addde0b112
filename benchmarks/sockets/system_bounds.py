"""The bounds that the system sets to a crowd: reads them, says which are near, changes none."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.client.http_wire import Target
from benchmarks.harness.failures import CannotMeasure
from benchmarks.harness.machine import load_average
from benchmarks.sockets.settings import CrowdSettings, files_a_process

PORTS_USED: Final = 0.8  # of an address' ephemeral ports; the rest wait to be free again
FIRST_SOURCE: Final = 10  # 127.0.0.10 and up are the crowd's
KERNEL_BYTES_A_PAIR: Final = 9_000  # of both ends of a connection on this machine, with their descriptors
PROCESS_BYTES_A_PAIR: Final = 12_000  # of both processes that hold one, generously
OPENING_SHARE: Final = 0.125  # of the queue of connections that wait to be accepted

SETTINGS: Final = (
    "net.core.somaxconn",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_max_tw_buckets",
    "net.netfilter.nf_conntrack_max",
    "net.netfilter.nf_conntrack_count",
    "fs.file-max",
)

_SYSCTL: Final = Path("/proc/sys")


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound, and how much of it the run takes; more than it says is no run."""

    name: str
    most: int
    needed: int
    is_hard: bool = False

    @property
    def is_near(self) -> bool:
        """Whether it is (nearly) reached."""
        return self.needed > 0.8 * self.most

    def __str__(self) -> str:
        return f"{self.name}: {self.needed:,} of {self.most:,}"


def sysctl(name: str) -> list[int]:
    """The numbers of a kernel's setting; none where this kernel has no such setting."""
    try:
        return [int(word) for word in (_SYSCTL / name.replace(".", "/")).read_text().split()]
    except (FileNotFoundError, PermissionError, ValueError):
        return []


def bounds_of(settings: CrowdSettings, *, is_own_shop: bool) -> list[Bound]:
    """The bounds that this crowd comes near to, or could."""
    sockets, page = settings.sockets, os.sysconf("SC_PAGE_SIZE")
    found = []
    if is_own_shop:
        most = settings.web_processes * files_a_process()
        found.append(Bound("open files of all web processes", most, sockets, is_hard=True))
    if most_files := sysctl("fs.file-max"):
        found.append(Bound("fs.file-max", most_files[0], 2 * sockets, is_hard=True))
    if tracked := sysctl("net.netfilter.nf_conntrack_max"):
        is_used = sysctl("net.netfilter.nf_conntrack_count") not in ([], [0])
        found.append(Bound("net.netfilter.nf_conntrack_max", tracked[0], sockets if is_used else 0))
    if memory := sysctl("net.ipv4.tcp_mem"):
        # An idle connection has no buffers; a frame that waits takes a page or so at its reader's end.
        found.append(Bound("net.ipv4.tcp_mem (pressure), pages", memory[1], sockets * 4096 // page))
    wanted = sockets * (KERNEL_BYTES_A_PAIR + (PROCESS_BYTES_A_PAIR if is_own_shop else 1000))
    found.append(Bound("available memory, MiB", available_mib(), wanted >> 20, is_hard=True))
    return found


def refuse_hopeless(bounds: Sequence[Bound]) -> None:
    """Refuse a crowd that cannot be held here.

    Raises:
        CannotMeasure: a hard bound is too low.
    """
    for bound in bounds:
        if bound.is_hard and bound.needed > bound.most:
            raise CannotMeasure(f"Too few for {bound.name}: {bound.needed:,} needed, {bound.most:,} there.")


def opening_at_once(client_processes: int) -> int:
    """How many sockets a client process has on their way, so that the queue to be accepted is not full."""
    queue = min([*sysctl("net.core.somaxconn"), *sysctl("net.ipv4.tcp_max_syn_backlog"), 4096])
    return max(16, int(queue * OPENING_SHARE) // client_processes)


def sources_for(sockets: int, client_processes: int, target: Target) -> list[tuple[str, ...]]:
    """Own loopback addresses for each client process, with ports enough for its sockets.

    A shop elsewhere is reached from this machine's one address, so by as many sockets as that has ports.

    Raises:
        CannotMeasure: there are too few addresses, or ports.
    """
    first, last = sysctl("net.ipv4.ip_local_port_range") or [32768, 60999]
    each = -(-sockets // client_processes)
    addresses = max(1, -(-each // max(1, int((last - first + 1) * PORTS_USED))))
    if FIRST_SOURCE + addresses * client_processes > 255 or (not target.is_here and sockets > last - first):
        raise CannotMeasure(f"{last - first + 1} ports an address are too few for {sockets:,} sockets.")
    if not target.is_here:
        return [()] * client_processes
    numbers = iter(range(FIRST_SOURCE, 255))
    return [tuple(f"127.0.0.{next(numbers)}" for _ in range(addresses)) for _ in range(client_processes)]


def available_mib() -> int:
    """How much memory the machine can still give."""
    return int(psutil.virtual_memory().available) >> 20


def describe() -> dict[str, Any]:
    """Say on what machine, with which bounds, and beside what load the figures were taken."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory GiB": round(psutil.virtual_memory().total / 2**30, 1),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "files a process": files_a_process(),
        "sysctl": {name: sysctl(name) for name in SETTINGS},
        "load average": load_average(),
    }
