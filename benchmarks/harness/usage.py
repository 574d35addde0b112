"""What a crowd costs: CPU and memory of processes, by what they are, and the kernel's memory apart."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.harness.processes import asked

HOLDERS: Final = frozenset({"web", "clients"})
_SOCKSTAT: Final = Path("/proc/net/sockstat")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")

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
        machine = psutil.cpu_times()
        busy = machine.user + machine.nice + machine.system + machine.irq + machine.softirq + machine.steal
        return cls(time.monotonic(), used, busy)

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
        taken = {name: asked(pids, "memory_full_info") for name, pids in groups.items()}
        return cls(
            {name: sum(one.rss for one in found) for name, found in taken.items()},
            {name: sum(one.pss for one in found) for name, found in taken.items()},
            int(psutil.virtual_memory().slab),
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
    for line in _SOCKSTAT.read_text().splitlines():
        if line.startswith("TCP:"):
            words = line.split()
            return int(words[words.index(name) + 1])
    return 0


def open_files_of(pids: set[int]) -> list[int]:
    """How many descriptors each of these processes has open, the fullest first."""
    return sorted(asked(pids, "num_fds"), reverse=True)


def _used_by(pids: set[int]) -> tuple[float, float]:
    """With those of children that ended: a master answers for the processes that it replaced."""
    times = asked(pids, "cpu_times")
    user = sum(one.user + one.children_user for one in times)
    return user, sum(one.system + one.children_system for one in times)
