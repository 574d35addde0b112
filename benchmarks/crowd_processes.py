"""Owns the crowd as the rush sees it: processes that are started, commanded, counted, heard and ended."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final

from benchmarks.crowd import Command, CrowdPlan, run_crowd
from benchmarks.http_wire import Target
from benchmarks.manners import Paying, manner_of
from benchmarks.records import Told
from benchmarks.shopper import Errand
from benchmarks.tally import Tally

SOCKETS_PER_PROCESS: Final = 5000
PORTS_PER_ADDRESS: Final = 25_000  # of the 28,232 ephemeral ones that Linux gives an address by default
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})
FAREWELL_S: Final = 5.0  # seconds that a crowd process has to close its sockets


class CrowdFailed(RuntimeError):
    """A process of the crowd broke or went away: the rush says nothing about the shop."""


def plan_crowd(
    target: Target,
    sale_id: str,
    quantity: int,
    shoppers: list[tuple[str, str]],
    connections: int,
    *,
    paying: Paying = Paying.ALL,
) -> list[CrowdPlan]:
    """Split a crowd into processes; where one address has too few ports, each gets an address of its own."""
    parts = -(-len(shoppers) // SOCKETS_PER_PROCESS)
    each = min(connections, len(shoppers)) // parts or 1
    spread = len(shoppers) + each * parts > PORTS_PER_ADDRESS and target.host in LOOPBACK
    people = [(user, token, manner_of(paying, at)) for at, (user, token) in enumerate(shoppers)]
    plans = []
    for part in range(parts):
        source = f"127.0.0.{part + 2}" if spread else None
        errand = Errand(target, sale_id, quantity, source)
        plans.append(CrowdPlan(errand, tuple(people[part::parts]), each))
    return plans


class CrowdProcesses:
    """The processes, each behind a pipe: commands go in, tallies and at the end testimonies come out."""

    def __init__(self, plans: list[CrowdPlan]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection[Any, Any]] = []
        self._processes: list[BaseProcess] = []
        self._tallies = [Tally(shoppers=len(plan.shoppers)) for plan in plans]
        self._told: dict[int, list[Told]] = {}
        for plan in plans:
            ours, theirs = context.Pipe()
            process = context.Process(target=run_crowd, args=(plan, theirs), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __len__(self) -> int:
        return len(self._processes)

    @property
    def tally(self) -> Tally:
        """The whole crowd as last reported."""
        return sum(self._tallies, Tally())

    def command(self, verb: str, at: float = 0.0) -> None:
        """Tell every process.

        Raises:
            CrowdFailed: one of them is gone.
        """
        message: Command = (verb, at)
        try:
            for pipe in self._pipes:
                pipe.send(message)
        except BrokenPipeError as error:
            raise CrowdFailed("a crowd process went away") from error

    def watch(
        self, is_done: Callable[[Tally], bool], deadline: float, on_change: Callable[[Tally], None]
    ) -> bool:
        """Follow the tally until a condition holds (True) or the deadline comes (False).

        Raises:
            CrowdFailed: one of the processes broke.
        """
        while True:
            tally = self.tally
            on_change(tally)
            if is_done(tally):
                return True
            if time.monotonic() >= deadline:
                return False
            self._read(min(0.25, max(0.0, deadline - time.monotonic())))

    def testimonies(self, timeout_s: float = 60.0) -> list[Told]:
        """End the crowd and hear everybody.

        Raises:
            CrowdFailed: somebody is not heard in time.
        """
        self.command("tell")
        deadline = time.monotonic() + timeout_s
        while len(self._told) < len(self._pipes):
            if time.monotonic() > deadline:
                raise CrowdFailed("a crowd process does not answer")
            self._read(0.25)
        return [told for part in sorted(self._told) for told in self._told[part]]

    def close(self) -> None:
        """End every process: a closed pipe is their sign; who does not heed it is terminated."""
        for pipe in self._pipes:
            pipe.close()
        deadline = time.monotonic() + FAREWELL_S
        for process in self._processes:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.terminate()
                process.join()

    def _read(self, timeout_s: float) -> None:
        expected = [pipe for part, pipe in enumerate(self._pipes) if part not in self._told]
        for ready in wait(expected, timeout_s):
            part = next(index for index, pipe in enumerate(self._pipes) if pipe is ready)
            try:
                message = self._pipes[part].recv()
            except (EOFError, ConnectionResetError) as error:
                raise CrowdFailed("a crowd process went away") from error
            self._take(part, message)

    def _take(self, part: int, message: object) -> None:
        if isinstance(message, Tally):
            self._tallies[part] = replace(message)
        elif isinstance(message, list):
            self._told[part] = message
        else:
            raise CrowdFailed(f"a crowd process broke: {message!r}")
