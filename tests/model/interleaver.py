"""The seeded interleaver: one process schedules logical workers, step by step, from a seed.

Every worker is a generator that yields between claim, persist and settle; there the scheduler may let it
stall, kill it, or let others go first. The same seed plays the same steps again.
"""

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from models import ledger
from models.errors import Fenced
from models.live.records import AnswerCode, Claim, Submission
from models.messages import verdicts
from tasks.orders.holds import expire_due, release_pending
from tasks.runtime.failpoints import Failed, arm
from tasks.sales.lifecycle import change_sale
from tests.model.stage import Stage

STEPS: Final = 26
WORKERS: Final = 3
LEASE_MS: Final = 3_600_000
LIMIT: Final = 3

Working = Iterator[str]


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, in the order in which it happened to the live side.

    `held` and `sold`: of a release, the intents whose holds ended and those that were refunded; of a rebuild,
    all that hold and have bought.
    """

    kind: str  # accepted | left | decided | adjusted | released | sold | regained | rebuilt
    intent_id: str = ""
    units: int = 0
    outcome: str = ""
    held: tuple[str, ...] = ()
    sold: tuple[str, ...] = ()


@dataclass(slots=True)
class Request:
    """What an accepted intent asked for."""

    user: str
    ticket: int
    quantity: int
    need: int


@dataclass(slots=True)
class History:
    """All that happened to one sale."""

    units: int
    events: list[Event] = field(default_factory=list)
    requests: dict[str, Request] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def note_script(self, verb: str, args: list[Any], reply: Any) -> None:
        """Write down which holds a script ended, sold or gave back."""
        if verb == "release" and reply[0] == "released":
            ended = 5 + int(args[4])
            event = Event("released", units=reply[1], held=tuple(args[5:ended]), sold=tuple(args[ended:]))
        elif verb == "sell" and reply[0] == "sold":
            event = Event("sold", units=reply[1], held=tuple(args[4:]))
        elif verb == "hold_again" and reply == "sold":
            event = Event("regained", args[2], int(args[4]))
        else:
            return
        self.events.append(event)

    def note(self, claim: Claim) -> None:
        """Write a claim's decisions down, once however often it is handed out."""
        if claim.claim_id in self.seen:
            return
        self.seen.add(claim.claim_id)
        for one in claim.decisions:
            self.events.append(Event("decided", one.intent_id, one.granted, one.outcome))


class Interleaver:
    """One sale, and a crowd that acts on it in an order that the seed decides."""

    length = STEPS

    def __init__(self, stage: Stage, people: tuple[str, ...], seed: int, units: int) -> None:
        self.stage = stage
        self.random = random.Random(seed)
        self.people = people
        self.history = History(units)
        stage.live.scripts.note = self.history.note_script
        self.workers: list[Working] = [self.work() for _ in range(WORKERS)]
        self.count = 0

    def play(self) -> History:
        """Take the steps, then let everything come to rest."""
        steps = self.steps()
        self.begin_the_day()
        for _ in range(self.length):
            self.random.choice(steps)()
        self.rest()
        return self.history

    def begin_the_day(self) -> None:
        """The first come."""
        self.submit()

    def steps(self) -> list[Callable[[], None]]:
        """List what may happen next, as often as it is to be likely."""
        return [
            *[self.submit] * 3,
            *[self.go_on] * 10,
            self.kill,
            self.lease_runs_out,
            self.leave,
            self.adjust,
            *[self.end_hold] * 2,
            *[self.release] * 2,
        ]

    def work(self) -> Working:
        """Work as `tasks.intents.drain` does; at every `yield` the worker may stall or die."""
        while True:
            claim = self.take()
            if claim is None:
                yield "idle"
                continue
            yield "claimed"
            try:
                stored = self.persist(claim)
                yield "persisted"
                self.settle(claim, stored)
            except Fenced:
                yield "fenced"
                continue
            yield "settled"

    def take(self) -> Claim | None:
        """Claim, and note what was decided."""
        limit = self.random.randint(1, 4)
        claim = self.stage.live.claim(
            self.stage.sale_id, limit, lease_ms=LEASE_MS, claim_id=f"claim-{self.next_number()}"
        ).claim
        if claim is not None:
            self.history.note(claim)
        return claim

    def persist(self, claim: Claim) -> ledger.Persisted:
        with self.stage.context.database.connection() as connection:
            return ledger.persist_claim(connection, self.stage.sale_id, claim)

    def settle(self, claim: Claim, stored: ledger.Persisted) -> None:
        told = verdicts(claim, stored.decisions, self.stage.sale_id)
        self.stage.live.settle(self.stage.sale_id, claim, told, units_back=stored.units_back)

    def go_on(self) -> None:
        """Let one worker take its next step; the others stall meanwhile."""
        next(self.random.choice(self.workers))

    def kill(self) -> None:
        """One worker dies where it stands; another takes its place."""
        at = self.random.randrange(WORKERS)
        self.workers[at] = self.work()

    def lease_runs_out(self) -> None:
        """One claim's time is over, whether its worker is dead or only slow."""
        for claim_id in self.claims()[:1]:
            self.stage.run_out(claim_id, self.next_number())

    def claims(self) -> list[str]:
        """List the claims that are not settled, in the seed's order."""
        found = sorted(cast(list[str], self.stage.live.client.zrange(self.stage.keys.claims, 0, -1)))
        self.random.shuffle(found)
        return found

    def submit(self) -> None:
        """Some submit in one round trip."""
        people = self.random.sample(self.people, self.random.randint(2, 6))
        self.submit_these([(one, self.random.randint(1, LIMIT)) for one in people], fewer=0.3)

    def submit_these(self, requests: Sequence[tuple[str, int]], *, fewer: float = 0.0) -> None:
        """These submit so many units each; a part of them would take fewer."""
        sent = [
            Submission(self.stage.intent_id(self.next_number()), user, quantity, self.random.random() < fewer)
            for user, quantity in requests
        ]
        reply = self.stage.live.submit(self.stage.sale_id, self.epoch, sent)
        for one, answer in zip(sent, reply.answers, strict=True):
            if answer.code == AnswerCode.ACCEPTED and answer.intent is not None:
                intent = answer.intent
                self.history.requests[one.intent_id] = Request(
                    one.user_id, intent.ticket, one.quantity, intent.need
                )
                self.history.events.append(Event("accepted", one.intent_id))

    @property
    def epoch(self) -> str:
        return self.stage.context.sale_cache.by_id(self.stage.sale_id).epoch

    def leave(self) -> None:
        """Somebody who has no verdict gives up the place."""
        waiting = self.undecided()
        if not waiting:
            return
        intent_id = self.random.choice(waiting)
        user = self.history.requests[intent_id].user
        self.stage.live.leave(self.stage.sale_id, self.epoch, intent_id, user)
        self.history.events.append(Event("left", intent_id))

    def undecided(self) -> list[str]:
        """List who is in line or on standby and did not leave."""
        over = {
            one.intent_id
            for one in self.history.events
            if one.kind == "left" or (one.kind == "decided" and one.outcome != "standby")
        }
        return [one for one in self.history.requests if one not in over]

    def adjust(self) -> None:
        """An admin raises, or cuts what is free."""
        look = self.stage.live.look(self.stage.sale_id)
        free = look.number("available")
        units = self.random.choice((1, 2, -1))
        if free + units >= 0:
            change_sale(
                self.stage.context, self.stage.sale_id, {"allocation": look.number("allocation") + units}
            )
            self.history.events.append(Event("adjusted", units=units))

    def end_hold(self) -> None:
        """A hold is cancelled or expires in the ledger; its units come home when somebody brings them."""
        held = sorted(one for one, order in self.orders().items() if order[3] == "held")
        if not held:
            return
        self.stage.end_deadline([self.random.choice(held)])
        expire_due(self.stage.context)

    def release(self) -> None:
        """Bring home what has ended; sometimes the worker dies before it notes that."""
        self.bring_home(dies=self.random.random() < 0.4)

    def bring_home(self, *, dies: bool) -> None:
        """Release, and note in the ledger that it was done unless the worker dies."""
        if dies:
            arm("released:1:raise")
        with contextlib.suppress(Failed):
            release_pending(self.stage.context)
        arm("")

    def orders(self) -> dict[str, list[Any]]:
        """Read the sale's orders: intent → user, units, price, status, whether it came home, its receipt."""
        orders: dict[str, list[Any]] = self.stage.read_ledger()["orders"]
        return orders

    def rest(self) -> None:
        """The workers that live finish, the leases of the dead run out, and nothing is left to do."""
        self.workers = [self.work()]
        for claim_id in self.claims():
            self.stage.run_out(claim_id, self.next_number())
        self.bring_home(dies=False)
        idle = 0
        for _ in range(400):
            if next(self.workers[0]) == "idle":
                idle += 1
            if idle > 1:
                return
        raise AssertionError("The line does not come to rest.")

    def stop(self) -> None:
        """Leave nobody behind."""

    def next_number(self) -> int:
        self.count += 1
        return self.count
