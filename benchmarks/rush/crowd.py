"""One process of the crowd: it does as the rush asks and answers how far it is; and how many there are."""

import asyncio
import gc
import random
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Final

from benchmarks.client.client_loop import ClientLoop, run_client
from benchmarks.client.crowd_socket import Socket
from benchmarks.client.http import HttpPool
from benchmarks.client.http_wire import Target
from benchmarks.client.sockets import Sockets
from benchmarks.harness.client_processes import Countable, Question
from benchmarks.rush.manners import Paying, manner_of
from benchmarks.rush.polling import Polling
from benchmarks.rush.shopper import NOT_OFFERED, Errand, Person, Shopper

CONNECTING_AT_ONCE: Final = 64  # sockets a process opens at the same time
SOCKETS_PER_PROCESS: Final = 5000
PORTS_PER_ADDRESS: Final = 25_000  # of the 28,232 ephemeral ones that Linux gives an address by default


@dataclass(frozen=True, slots=True)
class CrowdPlan:
    """What one process is given."""

    errand: Errand
    shoppers: tuple[Person, ...]
    connections: int  # HTTP connections to submit over


@dataclass(frozen=True, slots=True)
class Tally(Countable):
    """How far a crowd is."""

    shoppers: int = 0
    connected: int = 0
    warm: int = 0  # processes whose HTTP connections are open
    submitted: int = 0  # submissions that came to their end
    accepted: int = 0
    final: int = 0
    standby: int = 0
    held_units: int = 0
    holders: int = 0
    pay_done: int = 0  # payments posted and answered, or given up
    pay_accepted: int = 0
    pay_settled: int = 0  # accepted payments whose outcome was heard
    not_offered: int = 0  # payments answered 404 or 405
    over: int = 0  # holders whose order's end was heard
    accounted: int = 0  # holders who read what is kept of their order's money, or gave up
    errors: Counter[str] = field(default_factory=Counter)  # why sockets did not open

    @property
    def heard(self) -> int:
        """Shoppers who know where they stand: a final verdict, or standby."""
        return self.final + self.standby


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
    spread = len(shoppers) + each * parts > PORTS_PER_ADDRESS and target.is_here
    people = [(user, token, manner_of(paying, at)) for at, (user, token) in enumerate(shoppers)]
    plans = []
    for part in range(parts):
        source = f"127.0.0.{part + 2}" if spread else None
        errand = Errand(target, sale_id, quantity, source)
        plans.append(CrowdPlan(errand, tuple(people[part::parts]), each))
    return plans


class Crowd(ClientLoop):
    """A few thousand shoppers in one event loop; their sockets call it by their numbers."""

    def __init__(self, plan: CrowdPlan, pipe: "Connection[Any, Question]") -> None:
        super().__init__(pipe)
        self._plan = plan
        self._pool = HttpPool(plan.errand.target, plan.connections, source=plan.errand.source)
        self._shoppers = [Shopper(plan.errand, self._pool, person, self.spawn) for person in plan.shoppers]
        source = plan.errand.source
        self._sockets = Sockets(
            plan.errand.target, self, sources=[source] if source else [], opening=CONNECTING_AT_ONCE
        )
        self._is_warm = False
        self._polling = Polling(self._shoppers)
        self.begins = {
            "connect": self._connect,
            "warm": self._warm,
            "submit": self._submit,
            "poll": self._polling.poll,
            "pay": self._pay,
            "account": self._polling.account,
        }
        self.tells = {"tell": lambda: [shopper.told() for shopper in self._shoppers], "count": self.tally}

    async def run(self) -> None:
        """Answer the rush's questions until it is gone."""
        await super().run()
        self._sockets.close()

    def greet(self, socket: Socket) -> bytes:
        """Say who it is."""
        return self._shoppers[socket.index].greet()

    def on_message(self, socket: Socket, payload: bytes, at_ns: int) -> None:
        """Have the shopper hear it; who is refused comes back and tries again."""
        if not self._shoppers[socket.index].hear(payload, at_ns):
            self._sockets.drop(socket, "refused")

    def on_lost(self, socket: Socket, reason: str) -> None:
        """Have the shopper know."""
        self._shoppers[socket.index].lose_socket(reason)

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
            errors=Counter(s.socket_error for s in shoppers if s.socket_error) + self._sockets.failed,
        )

    async def _connect(self, _at: float) -> None:
        self._sockets.open(len(self._shoppers))
        self._sockets.run_in(asyncio.get_running_loop())

    async def _warm(self, _at: float) -> None:
        await self._pool.warm()
        gc.collect()
        gc.freeze()  # a pause of the collector would be measured as the shop's
        self._is_warm = True

    async def _submit(self, deadline: float) -> None:
        eager = self._shoppers.copy()
        random.shuffle(eager)
        await asyncio.gather(*(shopper.submit(deadline) for shopper in eager))

    async def _pay(self, deadline: float) -> None:
        for shopper in self._shoppers:
            shopper.spend_from_now(deadline)


run_crowd: Final = partial(run_client, Crowd)
