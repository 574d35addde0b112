"""A seeded random walk over all verbs; `Line` checks the invariants after every single step."""

import random
import uuid
from collections.abc import Callable
from typing import cast

import pytest

from models.errors import AlreadyDecided
from models.live.records import Answer, AnswerCode, Claim, Decision, Regained
from models.live.store import Live
from tests.lua.line import Line, submission

STEPS = 400
SEEDS = (1, 2, *(pytest.param(seed, marks=pytest.mark.release) for seed in range(3, 13)))
LIMIT = 3


class Walker:
    """Takes steps, and remembers what the line promised so as to hold it to that at the end."""

    def __init__(self, live: Live, seed: int) -> None:
        self.random = random.Random(seed)
        self.line = Line(live, units=40, per_shopper_limit=LIMIT)
        self.people = [str(uuid.UUID(int=self.random.getrandbits(128))) for _ in range(60)]
        self.accepted: dict[str, Answer] = {}
        self.decided: dict[str, Decision] = {}
        self.standing_by: dict[str, Decision] = {}
        self.open_holds: dict[str, int] = {}
        self.sold: dict[str, int] = {}
        self.left: set[str] = set()
        self.claims: list[Claim] = []

    def walk(self) -> None:
        steps: list[Callable[[], None]] = [
            *[self.submit] * 5,
            *[self.claim] * 3,
            *[self.settle] * 3,
            self.leave,
            self.adjust,
            self.expire,
            self.pause_or_resume,
            self.postpone,
            *[self.release] * 2,
            *[self.sell] * 2,
            self.refund,
            self.hold_again,
        ]
        for _ in range(STEPS):
            self.random.choice(steps)()
            self.check_shoppers()

    def submit(self) -> None:
        crowd = self.random.sample(self.people, self.random.randint(1, 6))
        submissions = [
            submission(
                user,
                quantity=self.random.randint(1, LIMIT),
                accept_fewer=self.random.random() < 0.3,
                key=self.random.choice(("", "a", "b")),
            )
            for user in crowd
        ]
        for answer in self.line.submit_all(submissions).answers:
            if answer.code == AnswerCode.ACCEPTED:
                assert answer.intent_id not in self.accepted
                self.accepted[answer.intent_id] = answer

    def claim(self) -> None:
        reply = self.line.claim(self.random.randint(1, 8))
        if reply.claim is None:
            return
        self.claims.append(reply.claim)
        self.remember(reply.claim)

    def remember(self, claim: Claim) -> None:
        """A claim handed out again says the same; standby is no last word, anything else is."""
        for decision in claim.decisions:
            if decision.is_standby:
                assert self.standing_by.setdefault(decision.intent_id, decision) == decision
                continue
            if decision.intent_id not in self.decided and decision.is_held:
                self.open_holds[decision.intent_id] = decision.granted
            assert self.decided.setdefault(decision.intent_id, decision) == decision

    def release(self) -> None:
        """Bring some holds home, some of them for the second time."""
        held = [one.intent_id for one in self.decided.values() if one.is_held]
        chosen = self.random.sample(held, min(len(held), 3))
        expected = sum(self.open_holds.pop(intent_id, 0) for intent_id in chosen)
        assert self.line.release(*chosen) == expected

    def sell(self) -> None:
        """Have some holds paid, some of them for the second time."""
        chosen = self.some_held()
        paid = {one: self.open_holds.pop(one) for one in chosen if one in self.open_holds}
        assert self.line.sell(*chosen) == sum(paid.values())
        self.sold |= paid

    def refund(self) -> None:
        """Refund some orders, whether or not it was heard here that they were paid."""
        chosen = self.some_held()
        paid = [self.sold.pop(one, 0) + self.open_holds.pop(one, 0) for one in chosen]
        assert self.line.refund(*chosen) == sum(paid)

    def hold_again(self) -> None:
        """Have somebody pay whose hold may have gone."""
        for intent_id in self.some_held()[:1]:
            one = self.decided[intent_id]
            was_open, was_sold = intent_id in self.open_holds, intent_id in self.sold
            said = self.line.hold_again(one)
            assert (said == Regained.HELD_YET) == (was_open and not was_sold)
            if said == Regained.SOLD:
                self.sold.setdefault(intent_id, one.quantity)

    def some_held(self) -> list[str]:
        held = [one.intent_id for one in self.decided.values() if one.is_held]
        return self.random.sample(held, min(len(held), 3))

    def settle(self) -> None:
        if self.claims:
            self.line.settle(self.random.choice(self.claims))

    def leave(self) -> None:
        if not self.accepted:
            return
        answer = self.random.choice(list(self.accepted.values()))
        if self.line.live.find(self.line.sale_id, answer.intent_id) is None:
            return
        try:
            self.line.leave(answer)
        except AlreadyDecided:
            assert answer.intent_id in self.decided
        else:
            self.left.add(answer.intent_id)

    def adjust(self) -> None:
        self.line.adjust(self.random.choice((-4, -1, 1, 5)))

    def expire(self) -> None:
        self.line.expire_leases()

    def pause_or_resume(self) -> None:
        self.line.set(status=self.random.choice(("open", "open", "paused")))

    def postpone(self) -> None:
        if self.claims:
            self.line.live.postpone(self.line.sale_id, self.random.choice(self.claims), 0)
            self.line.check()

    def check_shoppers(self) -> None:
        look = self.line.look()
        assert (look.number("held"), look.number("sold")) == (
            sum(self.open_holds.values()),
            sum(self.sold.values()),
        )
        counted = cast(dict[str, str], self.line.live.client.hgetall(self.line.keys.units))
        assert all(0 < int(units) <= LIMIT for units in counted.values()), counted

    def finish(self) -> None:
        """End the sale, and let everything be decided and settled."""
        self.line.set(status="ended")
        while True:
            self.line.expire_leases()
            claim = self.line.claim(50).claim
            if claim is None:
                return
            self.remember(claim)
            self.line.settle(claim)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_done_to_a_line_its_promises_hold(live: Live, seed: int) -> None:
    walker = Walker(live, seed)
    walker.walk()
    parked = walker.line.look().parked
    walker.finish()
    look = walker.line.look()
    assert (look.line_length, look.number("standby")) == (0, 0)
    assert look.claims == look.parked >= parked
    assert set(walker.decided) == set(walker.accepted)
    in_order = sorted(walker.decided.values(), key=lambda one: one.ticket)
    assert [one.ticket for one in in_order] == list(range(1, len(in_order) + 1))
    assert sum(walker.open_holds.values()) == look.number("held")
    assert len(walker.open_holds) == look.number("open_holds")
    assert sum(walker.sold.values()) == look.number("sold")
    assert {one.intent_id for one in in_order if one.outcome == "left"} == walker.left
    assert all(0 <= one.granted <= one.quantity for one in in_order)


def test_no_ticket_is_refused_what_a_later_one_gets(live: Live) -> None:
    line = Line(live, units=25)
    line.line_up(60)
    decisions: list[Decision] = []
    while (claim := line.claim(7).claim) is not None:
        decisions += claim.decisions
    assert [one.is_held for one in decisions] == [True] * 25 + [False] * 35
