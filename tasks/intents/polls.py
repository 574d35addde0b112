"""Answers polls of intents and orders: those that come together make one round trip; verdicts are remembered.

Knows no HTTP: an answer is bytes of JSON, for whichever way asked.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Final, NamedTuple, cast
from uuid import UUID

import orjson

from models.errors import NotFound
from models.ids import sale_number_of
from models.messages import Message
from tasks.context import Context
from tasks.intake.gathering import Gathering
from tasks.intents.finding import find_intents
from tasks.intents.shopper_state import newest_of_shoppers, owned_orders

MOST_AT_ONCE: Final = 250
MOST_REMEMBERED: Final = 20_000  # verdicts a process, some 12 MB


class Shown(NamedTuple):
    """What a poll is answered, and whose it is. One that `is_final` never changes again."""

    owner: UUID
    packed: bytes
    is_final: bool


Outcome = Shown | Exception
Standing = tuple[Message | None, Message | None]  # the newest intent, and its order
Standings = Gathering[UUID, str, Standing]
Read = Callable[[Hashable, Sequence[UUID]], Sequence[Outcome]]


class Polls:
    """One per process and noun; called by every request's thread or greenlet. Remembers what is final.

    `read` answers many ids that share a key, in one round trip a store.
    """

    def __init__(self, of: str, read: Read, key_of: Callable[[UUID], Hashable]) -> None:
        self._gathering: Gathering[Hashable, UUID, Shown] = Gathering(of, self._read, most=MOST_AT_ONCE)
        self._reading = read
        self._key_of = key_of
        self._final: dict[UUID, Shown] = {}  # the oldest first
        self._lock = threading.Lock()

    def find(self, asked: UUID) -> Shown:
        """Find it, whosever it is, and wait for that.

        Raises:
            NotFound: there is none.
            Unavailable: the store that knows does not answer.
        """
        return self._final.get(asked) or self._gathering.ask(self._key_of(asked), asked)

    def find_later(self, asked: UUID, tell: Callable[[Outcome], None]) -> Shown | None:
        """Find it at once if it is remembered; else return None, and have it told, or what `find` raises.

        `tell` must not block; it is called from a thread of the gathering's own.
        """
        known = self._final.get(asked)
        if known is None:
            self._gathering.put(self._key_of(asked), asked, tell)
        return known

    def _read(self, key: Hashable, asked: list[UUID]) -> Sequence[Outcome]:
        outcomes = self._reading(key, asked)
        final = {
            one: shown
            for one, shown in zip(asked, outcomes, strict=True)
            if isinstance(shown, Shown) and shown.is_final
        }
        with self._lock:
            self._final.update(final)
            for _ in range(len(self._final) - MOST_REMEMBERED):
                del self._final[next(iter(self._final))]
        return outcomes


def visible(shown: Shown, asker: UUID | None) -> Shown:
    """Let an owner see it; without an asker, an admin sees anybody's.

    Raises:
        NotFound: it is somebody else's.
    """
    if asker is not None and asker != shown.owner:
        raise NotFound("Nothing of yours has this id.")
    return shown


def polls_of_intents(context: Context) -> Polls:
    """Make the polls of intents: a stored verdict is final; what became of its order, the order tells."""

    def read(sale_number: Hashable, asked: Sequence[UUID]) -> list[Outcome]:
        return [
            found
            if isinstance(found, Exception)
            else Shown(found.owner, orjson.dumps(found.message), found.is_final)
            for found in find_intents(context, cast(int | None, sale_number), asked)
        ]

    return Polls("polls of intents", read, sale_number_of)


def standings(context: Context) -> Standings:
    """Gather shoppers who ask, by a sale, for their newest intent in it and its order."""

    def read(sale_id: UUID, asked: Sequence[str]) -> list[Standing]:
        found = newest_of_shoppers(context, sale_id, sorted(set(asked)))
        return [found.get(user_id, (None, None)) for user_id in asked]

    return Gathering("standings", read, most=MOST_AT_ONCE)


def polls_of_orders(context: Context) -> Polls:
    """Make the polls of orders. None is remembered: even one that expired may be paid by a late charge."""

    def read(_: Hashable, asked: Sequence[UUID]) -> list[Outcome]:
        found = owned_orders(context, asked)
        return [
            Shown(found[one][0], orjson.dumps(found[one][1]), is_final=False)
            if one in found
            else NotFound("No order has this id.")
            for one in asked
        ]

    return Polls("polls of orders", read, lambda _: None)
