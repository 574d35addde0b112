"""Owns what a crowd costs: CPU and memory of processes, by what they are, and the kernel's memory apart."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.sockets.limits import memory_of_kernel

_PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")  # a second
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")

HOLDERS: Final = frozenset({"web", "clients"})

Groups = Mapping[str, set[int]]  # the ids of processes, by what they are


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds used so far: of each group in user and in kernel mode, and of the whole machine."""

    at_s: float
    groups: Mapping[str, tuple[float, float]]
    machine_s: float

    @classmethod
    def of(cls, groups: Groups) -> "Cpu":
        """Read what was used so far."""
        used = {name: _used_by(pids) for name, pids in groups.items()}
        busy = [int(word) for word in (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:]]
        idle = busy[3] + busy[4]
        return cls(time.monotonic(), used, (sum(busy[:8]) - idle) / _TICKS)

    def since(self, before: "Cpu") -> dict[str, float]:
        """CPU seconds by group since a moment, with the system's part of each, and the machine's."""
        spent = {"seconds": round(self.at_s - before.at_s, 2)}
        for name, (user, system) in self.groups.items():
            was_user, was_system = before.groups.get(name, (0.0, 0.0))
            spent[name] = round(user + system - was_user - was_system, 2)
            spent[f"{name}, in the kernel"] = round(system - was_system, 2)
        spent["machine"] = round(self.machine_s - before.machine_s, 2)
        return spent


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: resident and proportional of each group; the kernel's slabs and the buffers of TCP."""

    resident: Mapping[str, int]
    proportional: Mapping[str, int]
    slab: int
    tcp: int

    @classmethod
    def of(cls, groups: Groups) -> "Memory":
        """Read what is taken now."""
        maps = {name: [_rollup(pid) for pid in pids] for name, pids in groups.items()}
        return cls(
            {name: sum(one.get("Rss", 0) for one in found) for name, found in maps.items()},
            {name: sum(one.get("Pss", 0) for one in found) for name, found in maps.items()},
            memory_of_kernel("Slab"),
            tcp_figure("mem") * _PAGE,
        )

    def a_socket(self, before: "Memory", sockets: int) -> dict[str, int]:
        """Bytes a socket more than before, of those who hold sockets: web and client processes."""
        found = {}
        for name in HOLDERS & self.resident.keys():
            found[f"{name}, RSS"] = (self.resident[name] - before.resident[name]) // sockets
            found[f"{name}, PSS"] = (self.proportional[name] - before.proportional[name]) // sockets
        found["kernel slabs, both ends"] = (self.slab - before.slab) // sockets
        found["kernel buffers of TCP, both ends"] = (self.tcp - before.tcp) // sockets
        return found


def tcp_figure(name: str) -> int:
    """One of TCP's figures in /proc/net/sockstat: `inuse` sockets, `mem` pages of buffers and others."""
    for line in (_PROC / "net" / "sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            words = line.split()
            return int(words[words.index(name) + 1])
    return 0


def open_files_of(pids: set[int]) -> list[int]:
    """How many descriptors each of these processes has open."""
    found = []
    for pid in pids:
        try:
            found.append(len(os.listdir(_PROC / str(pid) / "fd")))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return sorted(found, reverse=True)


def _used_by(pids: set[int]) -> tuple[float, float]:
    user = system = 0
    for pid in pids:
        try:
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # With those of children that ended: a master answers for the processes that it replaced.
        user += int(fields[11]) + int(fields[13])
        system += int(fields[12]) + int(fields[14])
    return user / _TICKS, system / _TICKS


def _rollup(pid: int) -> dict[str, int]:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return {}
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
