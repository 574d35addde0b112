"""A client process of the crowd: its sockets, when they send, and the answers to the run's questions."""

import gc
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any, Final

from benchmarks.client.http_wire import Target
from benchmarks.client.sockets import Sockets
from benchmarks.harness.client_processes import Countable, Question, allow_open_files
from benchmarks.sockets.visitors import Visitors

TURN_S: Final = 0.5
SLICE: Final = 128  # sockets that send before the others are listened to again


@dataclass(frozen=True, slots=True)
class PartPlan:
    """What one process is given. The first `rushers` of its sockets are those that submit."""

    target: Target
    sale_id: str
    tokens: tuple[str, ...]  # one a socket; empty for one that only watches
    rushers: int
    sources: tuple[str, ...]
    opening: int


@dataclass(frozen=True, slots=True)
class Tally(Countable):
    """How far a process is. The whole crowd's is the sum."""

    opened: int = 0
    ready: int = 0  # open, and told everything that its greeting asked for
    messages: int = 0
    snapshots: int = 0
    pongs: int = 0
    answered: int = 0
    refused: int = 0
    decided: int = 0
    final: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)


def run_part(plan: PartPlan, pipe: "Connection[Any, Question]") -> None:
    """The entry of a client process. Its parent handles Ctrl-C, and a closed pipe ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    allow_open_files()
    part = Part(plan, pipe)
    try:
        part.run()
    except Exception as error:
        pipe.send(error)
        raise


class Part:
    """Drives the sockets, and between two turns answers what it is asked."""

    def __init__(self, plan: PartPlan, pipe: "Connection[Any, Question]") -> None:
        self._pipe = pipe
        self._is_over = False
        self._visitors = Visitors(plan.sale_id, plan.tokens, plan.rushers)
        self._sockets = Sockets(
            plan.target,
            self._visitors,
            sources=plan.sources,
            opening=plan.opening,
            come_with=self._visitors.come_with,
        )
        self._visitors.sockets = self._sockets
        self._verbs: dict[str, Callable[[Any], Any]] = {
            "connect": self._connect,
            "count": self._count,
            "match": lambda asked: self._visitors.snapshots.count_matching(*asked),
            "shown": self._shown,
            "changes": lambda asked: self._visitors.snapshots.begin_changes(*asked),
            "heard": lambda _: self._visitors.snapshots.changes.heard_ns,
            "echo": self._echo,
            "echoes": lambda _: (self._visitors.pinged_ns, self._visitors.ponged_ns),
            "watch": self._watch,
            "submit": self._submit,
            "keep away": self._keep_away,
            "let back": lambda _: self._sockets.let_back(),
            "told": lambda _: self._visitors.rush.told,
        }

    def run(self) -> None:
        """Go on until the pipe is closed."""
        self._sockets.watch(self._pipe.fileno(), self._answer)
        try:
            while not self._is_over:
                self._sockets.turn(TURN_S)
        finally:
            self._sockets.close()

    def _answer(self) -> None:
        try:
            verb, asked = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            self._is_over = True
            return
        self._pipe.send((verb, self._verbs[verb](asked)))

    def _connect(self, _asked: None) -> None:
        gc.collect()
        gc.freeze()
        gc.disable()  # nothing here makes cycles, and a collection would be measured as the shop's delay
        self._sockets.open(len(self._visitors))

    def _count(self, _asked: None) -> Tally:
        visitors, sockets = self._visitors, self._sockets
        return Tally(
            opened=sockets.opened,
            ready=visitors.ready,
            messages=sockets.messages,
            snapshots=visitors.snapshots.heard,
            pongs=visitors.pongs,
            answered=visitors.rush.answered,
            refused=visitors.rush.told.refusals.total(),
            decided=visitors.rush.decided,
            final=visitors.rush.final,
            lost=sockets.lost,
            failed=sockets.failed,
            errors=visitors.errors,
        )

    def _shown(self, _asked: None) -> Counter[str]:
        """What is shown, and by how many."""
        return Counter(str(one.fields) if one else "nothing" for one in self._visitors.snapshots.shown)

    def _echo(self, at_ns: int) -> None:
        self._visitors.begin_echo()
        self._all_at(at_ns, iter(range(len(self._visitors))), self._visitors.ping)

    def _watch(self, sale_id: str) -> None:
        """The rushers turn to another sale."""
        rushers = iter(range(len(self._visitors.rush)))
        self._all_at(0, rushers, lambda index: self._visitors.turn_to(index, sale_id))

    def _submit(self, at_ns: int) -> None:
        self._visitors.begin_rush()
        self._all_at(at_ns, iter(range(len(self._visitors.rush))), self._visitors.submit)

    def _keep_away(self, every: int) -> int:
        """Have every so many-th rusher stay away once it is lost; returns how many that are."""
        some = self._sockets.all[: len(self._visitors.rush) : every]
        self._sockets.keep_away(some)
        return len(some)

    def _all_at(self, at_ns: int, indexes: Iterator[int], act: Callable[[int], None]) -> None:
        """Have some act at an instant, a slice at a time, so that nobody's answer waits to be read."""

        def act_some() -> None:
            some = list(islice(indexes, SLICE))
            for index in some:
                act(index)
            if some:
                self._sockets.after(0.0, act_some)

        self._sockets.after(max(at_ns - time.monotonic_ns(), 0) / 1e9, act_some)
