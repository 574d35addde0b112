"""Keeps the answers of a process, and knows when they are old: by words of what changed, not by asking.

A word that something about a sale moved makes its answers old a quarter of a second after they were made, so
that a rush has them made four times a second. A word that settings changed makes everything old at once. What
no word tells, such as a ticket that was handed out, is looked at after a second, as the sockets do. Nothing
is kept before the words are heard: a process without the subscription makes every answer.

Nothing here is protected by locks: between two points where a greenlet waits, no other runs.
"""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from models.errors import Unavailable
from tasks.runtime.single_flight import Flights
from web.reads.asked import Asked
from web.reads.rendered import Made, Rendered, Served

MERGE_S: Final = 0.25  # what happens in it is one answer, as it is one message to the sockets
LONGEST_S: Final = 1.0  # what no word tells is seen after it
REST: Final = 10.0  # times what the making took, until it is made again: a tenth of the time at most
GRACE_S: Final = 0.25  # in which the old one is served while one asker makes the next
AWAY_S: Final = 0.5  # before stores that did not answer are asked again
MOST_BYTES: Final = 32 * 1024 * 1024  # of all answers; the longest unused go first

Key = tuple[str, str, str]
SETTINGS: Final = frozenset({"configured", "adjusted"})  # words that tell of an admin's change


@dataclass(slots=True)
class _Kept:
    """An answer with its times, by the monotonic clock."""

    rendered: Rendered
    made_at: float
    due: float
    rest_s: float  # for what moves
    generation: int
    is_being_made: bool = False
    is_old: bool = False  # it is served although it is due, since the stores are away


class Reads:
    """The answers of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, most_bytes: int = MOST_BYTES) -> None:
        self._clock = clock
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._of: defaultdict[UUID | None, set[Key]] = defaultdict(set)
        self._bytes = 0
        self._flights: Flights[tuple[Rendered, int | None]] = Flights()
        self._generation = 0  # grows when everything becomes old at once
        self._words = 0  # that were heard
        self._is_heard = False

    def __len__(self) -> int:
        return len(self._kept)

    def on_gap(self) -> None:
        """The subscription begins, or goes on after a gap: words may have been missed."""
        self._is_heard = True
        self.forget()

    def on_word(self, sale_id: UUID, word: str) -> None:
        """Something about a sale changed."""
        if word in SETTINGS:
            self.forget()
            return
        self._words += 1
        now = self._clock()
        for key in (*self._of.get(sale_id, ()), *self._of.get(None, ())):
            kept = self._kept[key]
            kept.due = min(kept.due, max(now, kept.made_at + kept.rest_s))

    def forget(self) -> None:
        """Anything may have changed: what is served from now on is made from now on."""
        self._generation += 1

    def lookup(self, asked: Asked) -> Served | None:
        """Answer from memory; None where the answer must be made. Waits for nothing."""
        key = asked[:3]  # `asked.key`, on the way that is to be short
        kept, now = self._kept.get(key), self._clock()
        if kept is None or not self._may_serve(kept, now):
            return None
        self._kept.move_to_end(key)
        age_s = int(now - kept.made_at) if kept.is_old else None
        return kept.rendered.serve(asked, age_s=age_s)

    def answer(
        self, asked: Asked, make: Callable[[], Made], otherwise: Callable[[], Made] | None = None
    ) -> Served:
        """Answer from memory, else make the answer: one asker makes it, and all others wait for that.

        While the stores are away, the last answer is given with its age; where there is none, what
        `otherwise` makes, which is not kept.

        Raises:
            Unavailable: there is no answer, old or new.
        """
        served = self.lookup(asked)
        if served is not None:
            return served
        key = asked.key
        flight = (key, self._generation)
        rendered, age_s = self._flights.join(flight, lambda: self._make(key, make, otherwise))
        return rendered.serve(asked, age_s=age_s)

    def _may_serve(self, kept: _Kept, now: float) -> bool:
        if kept.is_old and kept.is_being_made:
            return True
        if kept.generation != self._generation:
            return False
        return now < kept.due + (GRACE_S if kept.is_being_made else 0.0)

    def _make(
        self, key: Key, make: Callable[[], Made], otherwise: Callable[[], Made] | None
    ) -> tuple[Rendered, int | None]:
        began, generation, words = self._clock(), self._generation, self._words
        before = self._kept.get(key)
        if before is not None:
            before.is_being_made = True
        try:
            rendered = Rendered(make())
        except Unavailable:
            if before is not None:
                return self._serve_on(before)
            if otherwise is None:
                raise
            return Rendered(otherwise()), None
        finally:
            if before is not None:
                before.is_being_made = False
        self._keep(key, _Kept(rendered, began, began, 0.0, generation), has_moved=words != self._words)
        return rendered, None

    def _serve_on(self, kept: _Kept) -> tuple[Rendered, int]:
        """The stores are away: what is there is served as it is, until they are asked again."""
        now = self._clock()
        kept.is_old, kept.generation, kept.due = True, self._generation, now + AWAY_S
        return kept.rendered, int(now - kept.made_at)

    def _keep(self, key: Key, kept: _Kept, *, has_moved: bool) -> None:
        if not self._is_heard:
            return
        took_s = self._clock() - kept.made_at
        kept.rest_s = min(max(MERGE_S, REST * took_s), LONGEST_S)
        kept.due = kept.made_at + (kept.rest_s if has_moved else LONGEST_S)
        self._drop(key)
        self._kept[key] = kept
        self._of[kept.rendered.of].add(key)
        self._bytes += kept.rendered.size
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self._bytes -= kept.rendered.size
        keys = self._of[kept.rendered.of]
        keys.discard(key)
        if not keys:
            del self._of[kept.rendered.of]
