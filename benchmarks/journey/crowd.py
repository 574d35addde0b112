"""One process of visitors: each opens its socket when it has come, not all at once."""

import asyncio
import gc
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Final

from benchmarks.client.client_loop import ClientLoop, run_client
from benchmarks.client.crowd_socket import Socket
from benchmarks.client.sockets import Sockets
from benchmarks.harness.client_processes import Countable, Question
from benchmarks.journey.visitor import Log, Visitor, Ways
from benchmarks.rush.polling import Polling
from benchmarks.rush.shopper import Errand, Person


@dataclass(frozen=True, slots=True)
class JourneyPlan:
    """What one process is given: people, and how each of them comes. `opens_ns`: of `time.monotonic_ns`."""

    errand: Errand
    people: tuple[tuple[Person, Ways], ...]
    opens_ns: int


@dataclass(frozen=True, slots=True)
class Tally(Countable):
    """How many visitors are how far."""

    come: int = 0
    connected: int = 0
    submitted: int = 0
    accepted: int = 0
    final: int = 0
    standby: int = 0
    holders: int = 0
    through: int = 0  # the receipt was read, or reading it was given up
    accounted: int = 0


class Visitors(ClientLoop):
    """A few thousand visitors in one event loop, and the sockets of those who have come."""

    def __init__(self, plan: JourneyPlan, pipe: "Connection[Any, Question]") -> None:
        super().__init__(pipe)
        self._opens_ns = plan.opens_ns
        self._log = Log()
        self._visitors = [
            Visitor(plan.errand, person, ways, self._log, self.spawn) for person, ways in plan.people
        ]
        self._by_socket: list[Visitor] = []  # in the order in which they came
        self._socket_of: dict[Visitor, Socket] = {}
        source = plan.errand.source
        self._sockets = Sockets(
            plan.errand.target,
            self,
            sources=[source] if source else [],
            come_with=lambda socket: self._by_socket[socket.index].come_with(),
        )
        polling = Polling(self._visitors)
        self.begins = {"travel": self._travel, "poll": polling.poll, "account": polling.account}
        self.tells = {
            "tell": lambda: [visitor.told() for visitor in self._visitors],
            "count": self._tally,
            "log": lambda: self._log,
        }

    async def run(self) -> None:
        """Answer the run's questions until it is gone."""
        self._sockets.run_in(asyncio.get_running_loop())
        await super().run()
        self._sockets.close()

    # What visitors call; see `Switchboard`.

    def open(self, visitor: Visitor) -> None:
        """Have a socket opened for a visitor, and kept open."""
        self._by_socket.append(visitor)
        self._sockets.open(1)
        self._socket_of[visitor] = self._sockets.all[-1]

    def say(self, visitor: Visitor, frames: bytes) -> None:
        """Send frames on a visitor's socket."""
        self._sockets.send(self._socket_of[visitor], frames)

    # What sockets call; see `Caller`.

    def greet(self, socket: Socket) -> bytes:
        """Say what is left to be said."""
        return self._by_socket[socket.index].greet()

    def on_message(self, socket: Socket, payload: bytes, at_ns: int) -> None:
        """Have the visitor hear it; who is refused comes back and tries again."""
        if not self._by_socket[socket.index].hear(payload, at_ns):
            self._sockets.drop(socket, "refused")

    def on_lost(self, socket: Socket, reason: str) -> None:
        """Have the visitor know."""
        self._by_socket[socket.index].lose_socket(reason)

    async def _travel(self, deadline: float) -> None:
        gc.collect()
        gc.freeze()  # a pause of the collector would be measured as the shop's
        await asyncio.gather(*(one.travel(self._opens_ns, deadline, self) for one in self._visitors))

    def _tally(self) -> Tally:
        visitors = self._visitors
        accepted = [one for one in visitors if one.answer == 202]
        return Tally(
            come=sum(one.has_come for one in visitors),
            connected=sum(one.is_connected for one in visitors),
            submitted=sum(one.has_submitted for one in visitors),
            accepted=len(accepted),
            final=sum(one.is_final for one in accepted),
            standby=sum(one.is_standby and not one.is_final for one in accepted),
            holders=sum(one.holds for one in visitors),
            through=sum(one.is_through for one in visitors),
            accounted=sum(one.purse.has_accounted for one in visitors),
        )


run_visitors: Final = partial(run_client, Visitors)
