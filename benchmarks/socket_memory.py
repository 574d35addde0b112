"""Owns the account of what a waiting socket costs a web process: memory by stage and by part, and CPU.

    python -m benchmarks.socket_memory [--sockets 10000] [--json FILE]

It starts its own servers and one web process in a temporary directory, opens so many sockets in two stages
(authenticated, subscribed), and ends everything that it started. What a stage adds to the process's own
memory (Pss) is divided by the sockets; kernel memory is that of both ends. The parts are allocated in this
process and counted by tracemalloc. What the figures mean stands in docs/sockets.md.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson
from rich.console import Console

from benchmarks.crowd import allow_open_files
from benchmarks.crowd_tokens import make_crowd_in_bulk
from benchmarks.machine import cpu_seconds
from benchmarks.progress import say
from benchmarks.socket_parts import parts_of_a_socket
from benchmarks.speed_http import Served, serve
from benchmarks.speed_line import open_sale
from benchmarks.speed_place import CannotMeasure, Place, Shopper, open_place
from benchmarks.ws_wire import WebSocket, open_socket
from models.live.keys import SaleKeys

AT_ONCE: Final = 128
WARM_UP: Final = 200  # sockets, so that what a process allocates once is not counted
SETTLE_S: Final = 2.0
STAGE_S: Final = 300.0
SPREADS: Final = 5
IDLE_S: Final = 5.0
MOST: Final = 15_000  # one address has some 28,000 ports


@dataclass(slots=True)
class Listener:
    """One socket of the crowd: counts what it hears, and says when what it waits for has come."""

    crowd: "Crowd"
    socket: WebSocket | None = None
    awaited: bytes = b""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def enter(self, token: str) -> None:
        """Connect, and say who it is: within the time that a stranger has for it."""
        self.socket = await open_socket(self.crowd.served.target, self._hear, self._lose)
        await self.ask(b'"ready"', type="auth", token=token)

    async def ask(self, awaited: bytes, **message: str) -> None:
        """Send a message, and wait for one of a type."""
        assert self.socket is not None  # noqa: S101 - opened before anything is asked
        self.awaited = awaited
        self.arrived.clear()
        self.socket.send(orjson.dumps(message))
        await self.arrived.wait()

    def _hear(self, message: bytes) -> None:
        self.crowd.count()
        if self.awaited and self.awaited in message:
            self.arrived.set()

    def _lose(self, error: Exception) -> None:
        self.crowd.losses.append(error)


@dataclass(slots=True)
class Crowd:
    """All sockets, and the process that serves them."""

    served: Served
    listeners: list[Listener] = field(default_factory=list)
    heard: int = 0
    wanted: int = 0
    all_heard: asyncio.Event = field(default_factory=asyncio.Event)
    losses: list[Exception] = field(default_factory=list)

    def count(self) -> None:
        """One of them has heard something."""
        self.heard += 1
        if self.heard >= self.wanted:
            self.all_heard.set()

    async def hear_each(self) -> None:
        """Wait until each has heard something more."""
        self.wanted = self.heard + len(self.listeners)
        self.all_heard.clear()
        await self.all_heard.wait()

    async def each(self, do: Callable[[Listener, int], Any], offset: int = 0) -> None:
        """Do something with every socket and its number, from `offset` on; some at the same time.

        Raises:
            CannotMeasure: a socket was lost.
        """
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with slots:
                await do(self.listeners[number], number + offset)

        async with asyncio.timeout(STAGE_S):
            await asyncio.gather(*(one(number) for number in range(len(self.listeners))))
        if self.losses:
            raise CannotMeasure(f"{len(self.losses)} sockets were lost: {self.losses[0]}")


async def measure(place: Place, served: Served, shoppers: Sequence[Shopper]) -> dict[str, float]:
    """Open the sockets stage by stage; returns the figures by name."""
    sale_id = str(open_sale(place, units=1).id)
    stages: dict[str, Callable[[Listener, int], Any]] = {
        "authenticated": lambda one, at: one.enter(shoppers[at][1]),
        "subscribed": lambda one, _: one.ask(b'"sale"', type="subscribe", sale_id=sale_id),
    }
    warm = Crowd(served)
    warm.listeners = [Listener(warm) for _ in range(WARM_UP)]
    crowd = Crowd(served)
    crowd.listeners = [Listener(crowd) for _ in shoppers[WARM_UP:]]
    for stage in stages.values():
        await warm.each(stage)
    figures: dict[str, float] = {}
    count = len(crowd.listeners)
    for name, stage in stages.items():
        before, cpu, kernel = await _settled(served)
        await crowd.each(stage, WARM_UP)
        after, cpu_after, kernel_after = await _settled(served)
        figures[f"{name}, KB"] = (after - before) / count
        figures[f"{name}, CPU µs"] = (cpu_after - cpu) / count * 1e6
        figures[f"{name}, kernel KB of both ends"] = (kernel_after - kernel) / count
    figures["idle, % of a core"] = await _idle(served)
    figures["a picture told, CPU µs a socket"] = await _spread(place, crowd, sale_id, len(warm.listeners))
    return figures


async def _settled(served: Served) -> tuple[float, float, float]:
    """KB of the process, CPU seconds it used, KB of the kernel; once nothing is going on any more."""
    await asyncio.sleep(SETTLE_S)
    return memory_kb(served.workers), cpu_seconds(served.workers), kernel_kb()


async def _idle(served: Served) -> float:
    before = cpu_seconds(served.workers)
    await asyncio.sleep(IDLE_S)
    return (cpu_seconds(served.workers) - before) / IDLE_S * 100


async def _spread(place: Place, crowd: Crowd, sale_id: str, others: int) -> float:
    """Change the sale some times, each time until everybody has heard of it."""
    keys, live = SaleKeys.of(UUID(sale_id)), place.context.live
    before = cpu_seconds(crowd.served.workers)
    for number in range(SPREADS):
        live.client.hset(keys.state, "waiting", str(1000 + number))
        live.client.publish(keys.live_channel, "benchmark")
        async with asyncio.timeout(STAGE_S):
            await crowd.hear_each()
        await asyncio.sleep(SETTLE_S)
    used = cpu_seconds(crowd.served.workers) - before
    return used / SPREADS / (len(crowd.listeners) + others) * 1e6


def memory_kb(pids: frozenset[int]) -> float:
    """The memory of processes that they do not share, and their part of what they do."""
    return sum(_field(Path(f"/proc/{pid}/smaps_rollup"), "Pss") for pid in pids)


def kernel_kb() -> float:
    """What the kernel keeps in small pieces: sockets, files, and entries of epoll among everything else."""
    return _field(Path("/proc/meminfo"), "Slab")


def _field(path: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(f"{name}:"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.socket_memory")
    parser.add_argument("--sockets", type=int, default=10_000, help=f"at most {MOST}")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    sockets = max(WARM_UP, min(asked.sockets, MOST))
    console = Console()
    allow_open_files()
    try:
        with open_place() as place, serve(place, "shop", "web:create_app()") as served:
            shoppers = make_crowd_in_bulk(sockets + WARM_UP, STAGE_S)
            figures = asyncio.run(measure(place, served, shoppers))
    except CannotMeasure as error:
        say(console, str(error))
        return 1
    figures |= {f"part: {name}, bytes": size for name, size in parts_of_a_socket().items()}
    for name, value in figures.items():
        say(console, f"{name:45} {value:10.2f}")
    if asked.json:
        asked.json.write_text(json.dumps({"sockets": sockets, "figures": figures}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
