"""The storm itself: which letters are sent when, until all is settled, and a last burst of them all.

Each of the provider's events is sent as soon as it is true, in company of copies of it and of others, of
forgeries and of garbage, in random order, over several connections at the same time.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any, Final

from benchmarks.storm.letters import FORGED, Kind, Letter, Writer
from benchmarks.storm.plan import Plan
from benchmarks.storm.post_office import PostOffice
from benchmarks.storm.storm_books import StormBooks, TrueEvent

SHARE_ON_THE_WAY: Final = 0.75  # of all letters, at most, before the last burst
LOOK_EVERY_S: Final = 0.1  # seconds between two looks into the provider's books
COMPANY: Final = {"repeat": 50, "forged": 35, "garbage": 10, "harmless": 5}  # shares of what is not first


class Weather:
    """One storm over one sale."""

    def __init__(
        self, plan: Plan, webhooks: int, books: StormBooks, office: PostOffice, writer: Writer
    ) -> None:
        self._plan = plan
        self._webhooks = webhooks
        self._books = books
        self._office = office
        self._writer = writer
        self._dice = random.Random(writer.dice.random())
        self._seen: dict[str, TrueEvent] = {}
        # A payment has two events at most, a refund among them.
        self._company = max(1, int(SHARE_ON_THE_WAY * webhooks / (2.2 * plan.shoppers)) - 1)

    @property
    def events(self) -> tuple[str, ...]:
        """The ids of all that the provider had to say."""
        return tuple(self._seen)

    async def blow(self, deadline: float, is_calm: Callable[[], bool]) -> bool:
        """Send what is true as soon as it is, until everything is settled; says whether it was in time."""
        loop = asyncio.get_running_loop()
        while loop.time() < deadline:
            is_idle = self._office.is_idle
            found = await asyncio.to_thread(self._books.true_events)
            if new := [event for event in found if event.event_id not in self._seen]:
                self._office.hand_in(self._batch(new))
            elif is_idle and is_calm() and not await asyncio.to_thread(self._books.unfinished):
                return True
            else:
                await asyncio.sleep(LOOK_EVERY_S)
        return False

    def burst(self) -> int:
        """Send all letters that are left, and say how many; all was said, so that nothing may change."""
        left = self._webhooks - self._office.handed_in
        self._office.hand_in([self._companion() for _ in range(left)])
        return left

    def _batch(self, new: list[TrueEvent]) -> list[Letter]:
        """Letters of new events and their company, copies of the new ones above all, in random order."""
        self._seen |= {event.event_id: event for event in new}
        letters = [self._writer.genuine(self._kind_of(event), event.payload) for event in new]
        for event in new:
            letters += [self._companion(event) for _ in range(self._company)]
        self._dice.shuffle(letters)
        return letters

    def _kind_of(self, event: TrueEvent) -> Kind:
        is_late = self._plan.is_late(event.method) and event.payload["type"] == "charge.succeeded"
        return Kind.LATE if is_late else Kind.FIRST

    def _companion(self, newest: TrueEvent | None = None) -> Letter:
        """Write a letter that is not the first of its event; every second one is about the newest."""
        (what,) = self._dice.choices(list(COMPANY), list(COMPANY.values()))
        payload = self._any_payload(newest)
        if what == "repeat":
            return self._writer.genuine(Kind.REPEAT, payload)
        if what == "forged":
            return self._writer.forged(self._dice.choice(FORGED), payload, self._any_payload())
        if what == "harmless" and self._office.taken and self._dice.random() < 0.8:
            taken = self._seen[self._dice.choice(self._office.taken)]
            return self._writer.reused_id(taken.payload, payload)
        return self._writer.unknown() if what == "harmless" else self._writer.garbage()

    def _any_payload(self, newest: TrueEvent | None = None) -> dict[str, Any]:
        if newest is not None and self._dice.random() < 0.5:
            return newest.payload
        return self._dice.choice(list(self._seen.values())).payload
