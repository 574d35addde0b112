"""Owns one process of the crowd: it obeys the rush's commands and reports its tally until told to go."""

import asyncio
import gc
import random
import resource
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Final

from benchmarks.client import HttpPool
from benchmarks.shopper import NOT_OFFERED, Errand, Person, Shopper
from benchmarks.tally import Tally

REPORT_EVERY_S: Final = 0.2  # seconds
CONNECTING_AT_ONCE: Final = 64  # sockets a process opens at the same time
POLLING_AT_ONCE: Final = 64

Command = tuple[str, float]  # a verb, and its time: the instant, or the deadline (of `time.monotonic`)


@dataclass(frozen=True, slots=True)
class CrowdPlan:
    """What one process is given."""

    errand: Errand
    shoppers: tuple[Person, ...]
    connections: int  # HTTP connections to submit over


def allow_open_files() -> None:
    """Raise this process's own limit of open files as far as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def run_crowd(plan: CrowdPlan, pipe: "Connection[Any, Command]") -> None:
    """The entry of a crowd process. Its parent handles Ctrl-C, and a closed pipe ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    allow_open_files()
    asyncio.run(Crowd(plan, pipe).run())


class Crowd:
    """A few thousand shoppers in one event loop."""

    def __init__(self, plan: CrowdPlan, pipe: "Connection[Any, Command]") -> None:
        self._plan = plan
        self._pipe = pipe
        self._pool = HttpPool(plan.errand.target, plan.connections, source=plan.errand.source)
        self._shoppers = [Shopper(plan.errand, self._pool, person, self._spawn) for person in plan.shoppers]
        self._is_warm = False
        self._work: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None

    async def run(self) -> None:
        """Obey commands until `tell` or until the rush is gone; then hand over what was told and leave."""
        verbs: dict[str, Callable[[float], Coroutine[Any, Any, None]]] = {
            "connect": self._connect,
            "warm": self._warm,
            "submit": self._submit,
            "poll": self._poll,
            "pay": self._pay,
            "account": self._account,
        }
        reporting = asyncio.create_task(self._report())
        commands = self._listen()
        while (command := await commands.get()) is not None and command[0] != "tell":
            self._spawn(verbs[command[0]](command[1]))
        reporting.cancel()
        for task in self._work:
            task.cancel()
        if command is not None:
            self._pipe.send([shopper.told() for shopper in self._shoppers])
        for shopper in self._shoppers:
            shopper.leave()

    def _listen(self) -> "asyncio.Queue[Command | None]":
        commands: asyncio.Queue[Command | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def receive() -> None:
            try:
                commands.put_nowait(self._pipe.recv())
            except (EOFError, ConnectionResetError):
                loop.remove_reader(self._pipe.fileno())
                commands.put_nowait(None)

        loop.add_reader(self._pipe.fileno(), receive)
        return commands

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()

    async def _report(self) -> None:
        while True:
            try:
                self._pipe.send(self._failure or self.tally())
            except BrokenPipeError:
                return  # the rush is gone; the closed pipe ends `run` as well
            await asyncio.sleep(REPORT_EVERY_S)

    def tally(self) -> Tally:
        """Count the shoppers as they stand."""
        shoppers = self._shoppers
        accepted = [s for s in shoppers if s.answer == 202]
        purses = [s.purse for s in shoppers if s.holds]
        paying = [purse for purse in purses if purse.payment_answer == 202]
        return Tally(
            shoppers=len(shoppers),
            connected=sum(s.is_connected for s in shoppers),
            warm=int(self._is_warm),
            submitted=sum(s.has_submitted for s in shoppers),
            accepted=len(accepted),
            final=sum(s.is_final for s in accepted),
            standby=sum(s.is_standby and not s.is_final for s in accepted),
            held_units=len(purses) * self._plan.errand.quantity,
            holders=len(purses),
            pay_done=sum(purse.has_paid for purse in purses),
            pay_accepted=len(paying),
            pay_settled=sum(purse.is_over for purse in paying),
            not_offered=sum(purse.payment_answer in NOT_OFFERED for purse in purses),
            over=sum(purse.is_over for purse in purses),
            accounted=sum(purse.has_accounted for purse in purses),
            socket_error=next((s.socket_error for s in shoppers if s.socket_error), ""),
        )

    async def _connect(self, _at: float) -> None:
        await _bounded(CONNECTING_AT_ONCE, (s.connect_stubbornly for s in self._shoppers))

    async def _warm(self, _at: float) -> None:
        await self._pool.warm()
        gc.collect()
        gc.freeze()  # a pause of the collector would be measured as the shop's
        self._is_warm = True

    async def _submit(self, deadline: float) -> None:
        eager = self._shoppers.copy()
        random.shuffle(eager)
        await asyncio.gather(*(shopper.submit(deadline) for shopper in eager))

    async def _poll(self, deadline: float) -> None:
        silent = [s for s in self._shoppers if (s.answer == 202 and not s.is_final) or s.purse.awaits]
        await _bounded(POLLING_AT_ONCE, (partial(shopper.poll, deadline) for shopper in silent))

    async def _pay(self, deadline: float) -> None:
        for shopper in self._shoppers:
            shopper.spend_from_now(deadline)

    async def _account(self, deadline: float) -> None:
        purses = [shopper.purse for shopper in self._shoppers if shopper.holds]
        await _bounded(POLLING_AT_ONCE, (partial(purse.account, deadline) for purse in purses))


async def _bounded(at_once: int, jobs: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Run many coroutines, so many at once."""
    slots = asyncio.Semaphore(at_once)

    async def run(job: Callable[[], Awaitable[None]]) -> None:
        async with slots:
            await job()

    await asyncio.gather(*(run(job) for job in jobs))
