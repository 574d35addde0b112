"""Owns looking at the live state: everything here changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from models.live.keys import SaleKeys
from models.live.records import Found, LiveIntent, Look
from models.live.redis import Client, translated
from models.live.scripts import Scripts


@dataclass(frozen=True, slots=True)
class LinePage:
    """Some intents of a line, newest first, and what their places are reckoned from."""

    intents: tuple[LiveIntent, ...]
    now_serving: int
    pace_milli: int
    status: str


class Sight:
    """What can be seen of every sale behind one Redis."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._scripts = Scripts(client)

    def reach(self) -> None:
        """Make sure of a connection, sending nothing: who cannot even connect has surely not been heard.

        Raises:
            LineUnavailable: there is none to be had.
        """
        pool = self.client.connection_pool
        with translated():
            pool.release(pool.get_connection())

    def now_ms(self) -> int:
        """Read Redis' clock, in milliseconds since the epoch.

        Raises:
            LineUnavailable: there was no answer.
        """
        with translated():
            seconds, micros = cast(tuple[int, int], self.client.time())
        return seconds * 1000 + micros // 1000

    def look(self, sale_id: UUID) -> Look:
        """Take one consistent picture of a sale.

        Raises:
            LineUnavailable: there was no answer.
        """
        keys = SaleKeys.of(sale_id)
        names = [keys.state, keys.line, keys.claims, keys.standby]
        return _unpack_look(sale_id, self._scripts.run("look", names, []))

    def find(self, sale_id: UUID, intent_id: str) -> Found | None:
        """Find an intent whose last verdict is not settled; None where there is no such (any more).

        Raises:
            LineUnavailable: there was no answer.
        """
        keys = SaleKeys.of(sale_id)
        record, *rest = self._scripts.run("find", [keys.state, keys.intents, keys.standby], [intent_id])
        return Found(LiveIntent.unpack(intent_id, record), *rest) if record else None

    def standing_of(self, sale_id: UUID, user_id: str) -> Found | None:
        """Find the intent by which a shopper stands in a sale's line or stands by.

        Raises:
            LineUnavailable: there was no answer.
        """
        return self.standing_of_each(sale_id, [user_id]).get(user_id)

    def standing_of_each(self, sale_id: UUID, user_ids: Sequence[str]) -> dict[str, Found]:
        """Find the same for many; whoever does not stand there is left out.

        Raises:
            LineUnavailable: there was no answer.
        """
        with translated():
            ids = cast(list[Any], self.client.hmget(SaleKeys.of(sale_id).active, list(user_ids)))
        standing = {}
        for user_id, intent_id in zip(user_ids, ids, strict=True):
            found = self.find(sale_id, str(intent_id)) if intent_id else None
            if found is not None:
                standing[user_id] = found
        return standing

    def people(self, sale_id: UUID) -> tuple[frozenset[str], dict[str, str], dict[str, str], dict[str, int]]:
        """List for an audit who stands by (intents), who holds and what is sold (intent → user|units).

        The last are everybody's units under the limit.

        Raises:
            LineUnavailable: there was no answer.
        """
        keys = SaleKeys.of(sale_id)
        with translated():
            pipeline = self.client.pipeline(transaction=True)
            pipeline.zrange(keys.standby, 0, -1)
            pipeline.hgetall(keys.holds)
            pipeline.hgetall(keys.sold)
            pipeline.hgetall(keys.units)
            standby, holds, sold, units = pipeline.execute()
        return frozenset(standby), holds, sold, {user: int(number) for user, number in units.items()}

    def late_answers(self, sale_id: UUID, epoch: str, payment_ids: Sequence[UUID]) -> dict[UUID, str]:
        """Tell what these late payments were answered under this epoch; the others are left out.

        Raises:
            LineUnavailable: there was no answer.
        """
        keys = SaleKeys.of(sale_id)
        if not payment_ids:
            return {}
        with translated():
            pipeline = self.client.pipeline(transaction=True)
            pipeline.hget(keys.state, "epoch")
            pipeline.hmget(keys.late, list(map(str, payment_ids)))
            present, answers = pipeline.execute()
        if present != epoch:
            return {}
        return {one: answer for one, answer in zip(payment_ids, answers, strict=True) if answer}

    def page(self, sale_id: UUID, *, before: int = 0, limit: int = 50) -> LinePage:
        """List who still stands in line, newest ticket first, from below the ticket `before` on.

        Raises:
            LineUnavailable: there was no answer.
        """
        keys = SaleKeys.of(sale_id)
        names = [keys.state, keys.line, keys.intents]
        now_serving, pace_milli, status, *flat = self._scripts.run("page", names, [before, limit])
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return LinePage(tuple(LiveIntent.unpack(*pair) for pair in pairs), now_serving, pace_milli, status)


def _unpack_look(sale_id: UUID, reply: Sequence[Any]) -> Look:
    now_ms, line_length, claims, overdue, parked, marks, *words = reply
    fields = dict(zip(words[::2], words[1::2], strict=True))
    places = tuple(zip(marks[::2], marks[1::2], strict=True))
    return Look(sale_id, now_ms, line_length, claims, overdue, parked, fields, places)
