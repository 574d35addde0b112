"""Reads the live state; nothing here changes anything.

MULTI is not used for reading: a full Redis refuses it, since queueing takes memory. What has to be read in
one consistent snapshot is read by a script.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, cast
from uuid import UUID

from models.live.audits import AuditNote
from models.live.connection.masters import address_of, master_of, reach
from models.live.keys import LEDGER, SaleKeys, tag_of
from models.live.records import Found, LiveIntent, Look
from models.live.redis import Client, translated
from models.live.scripts import Scripts

STANDING_FIELDS: Final = 4
# Of these one differs once anything of a sale has moved, or Redis went back in time; `moves` only grows.
MOVING: Final = ("epoch", "revision", "moves", "last_ticket", "now_serving", "accepted", "noted")


class Fate(Enum):
    """How far an accepted intent has come, as far as the line knows."""

    OPEN = auto()  # in the lobby or in line, or decided and not settled yet
    STANDBY = auto()
    SETTLED = auto()  # the line no longer knows it: its verdict is in the ledger


@dataclass(frozen=True, slots=True)
class Standings:
    """The intents by which some shoppers stand in a line or stand by, by shopper.

    `none_is_decided`: no intent of the sale has come further than that yet.
    """

    of: dict[str, Found]
    none_is_decided: bool


@dataclass(frozen=True, slots=True)
class LinePage:
    """Some intents of a line, newest first, and what their places are computed from."""

    intents: tuple[LiveIntent, ...]
    now_serving: int
    pace_milli: int
    status: str


class LiveQueries:
    """Reads the live state of every sale at one Redis."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._scripts = Scripts(client)

    def reach(self, sale_id: UUID) -> None:
        """Make sure of a connection to a sale's Redis, sending nothing: without one, nothing was received.

        Raises:
            LineUnavailable: there is none to be had.
        """
        with translated():
            reach(self.client, tag_of(sale_id))

    def clock_of(self, sale_id: UUID) -> Hashable:
        """Name the clock by which a sale's times go: each master of a cluster has its own.

        Raises:
            LineUnavailable: no server of the cluster can be asked.
        """
        with translated():
            return address_of(self.client, tag_of(sale_id))

    def now_ms(self, sale_id: UUID | None = None) -> int:
        """Read the clock of a sale's Redis, in ms since the epoch; else that of what is no sale's."""
        return self._now_at(LEDGER if sale_id is None else tag_of(sale_id))

    def _now_at(self, key: str) -> int:
        with translated():
            seconds, micros = cast(tuple[int, int], master_of(self.client, key).time())
        return seconds * 1000 + micros // 1000

    def look(self, sale_id: UUID) -> Look:
        """Read a consistent snapshot of a sale."""
        keys = SaleKeys.of(sale_id)
        names = [keys.state, keys.line, keys.claims, keys.standby, keys.lobby, keys.departed]
        return _unpack_look(sale_id, self._scripts.run("look", names, []))

    def moves_of(self, sale_ids: Sequence[UUID]) -> dict[UUID, tuple[str | None, ...]]:
        """Read what differs once anything of a sale has moved, of each of them, in one round trip.

        A sale of which Redis does not tell is left out.
        """
        if not sale_ids:
            return {}
        with translated():
            pipeline = self.client.pipeline(transaction=False)
            for sale_id in sale_ids:
                pipeline.hmget(SaleKeys.of(sale_id).state, list(MOVING))
            found = pipeline.execute(raise_on_error=False)
        told = zip(sale_ids, found, strict=True)
        return {sale_id: tuple(moves) for sale_id, moves in told if isinstance(moves, list)}

    def find(self, sale_id: UUID, intent_id: str) -> Found | None:
        """Find an intent whose last verdict is not settled; None if there is none (any more)."""
        return self.find_each(sale_id, [intent_id]).get(intent_id)

    def find_each(self, sale_id: UUID, intent_ids: Sequence[str]) -> dict[str, Found]:
        """Find the same for many, in one snapshot; intents that are not there (any more) are left out."""
        keys = SaleKeys.of(sale_id)
        names = [keys.state, keys.intents, keys.standby, keys.lobby]
        now_serving, pace_milli, status, *flat = self._scripts.run("find", names, list(intent_ids))
        return {
            intent_id: Found(LiveIntent.unpack(intent_id, record), place, now_serving, pace_milli, status)
            for intent_id, record, place in zip(intent_ids, flat[::2], flat[1::2], strict=True)
            if record
        }

    def standing_of(self, sale_id: UUID, user_id: str) -> Found | None:
        """Find the intent by which a shopper stands in a sale's line or stands by."""
        return self.standing_of_each(sale_id, [user_id]).of.get(user_id)

    def standing_of_each(self, sale_id: UUID, user_ids: Sequence[str]) -> Standings:
        """Find the same for many; shoppers who do not stand there are left out."""
        keys = SaleKeys.of(sale_id)
        names = [keys.state, keys.intents, keys.active, keys.standby, keys.lobby]
        now_serving, pace_milli, status, *flat = self._scripts.run("standing", names, list(user_ids))
        found = {
            flat[at]: Found(
                LiveIntent.unpack(flat[at + 1], flat[at + 2]), flat[at + 3], now_serving, pace_milli, status
            )
            for at in range(0, len(flat), STANDING_FIELDS)
        }
        return Standings(found, none_is_decided=status != "" and now_serving == 0)

    def standing(self, sale_id: UUID) -> tuple[list[LiveIntent], list[str]]:
        """List every intent whose last verdict is not settled, and the lobby's ids in its order.

        For a rebuild that sealed the line: nothing comes or goes any more but claims, which do not count.
        """
        keys = SaleKeys.of(sale_id)
        with translated():
            records = cast(dict[str, str], self.client.hgetall(keys.intents))
            lobby = cast(list[str], self.client.zrange(keys.lobby, 0, -1))
        return [LiveIntent.unpack(intent_id, record) for intent_id, record in records.items()], lobby

    def units_of(self, sale_id: UUID, user_id: str) -> int:
        """Read a shopper's units, held, paid and waiting, also where the ledger has no verdict yet."""
        with translated():
            return int(cast(str | None, self.client.hget(SaleKeys.of(sale_id).units, user_id)) or 0)

    def now_serving(self, sale_id: UUID) -> int:
        """Read the last ticket that was decided."""
        with translated():
            return int(cast(str | None, self.client.hget(SaleKeys.of(sale_id).state, "now_serving")) or 0)

    def fates_of(self, sale_id: UUID, intent_ids: Sequence[str]) -> dict[str, Fate]:
        """Return for each intent whether it is settled, stands by, or neither yet.

        In between its two questions an intent may have gone on; then this is how it was a moment ago.
        """
        keys = SaleKeys.of(sale_id)
        with translated():
            pipeline = self.client.pipeline(transaction=False)
            pipeline.hmget(keys.intents, list(intent_ids))
            pipeline.zmscore(keys.standby, list(intent_ids))
            records, tickets = pipeline.execute()
        return {
            intent_id: Fate.SETTLED if record is None else Fate.STANDBY if ticket is not None else Fate.OPEN
            for intent_id, record, ticket in zip(intent_ids, records, tickets, strict=True)
        }

    def people(self, sale_id: UUID) -> tuple[frozenset[str], dict[str, str], dict[str, str], dict[str, int]]:
        """List for an audit the standby intents, the holds and what is sold (intent → user|units).

        The last are the units of each shopper that count against the limit. These are four questions: to
        compare their answers, look before and after whether anything moved.
        """
        keys = SaleKeys.of(sale_id)
        with translated():
            pipeline = self.client.pipeline(transaction=False)
            pipeline.zrange(keys.standby, 0, -1)
            pipeline.hgetall(keys.holds)
            pipeline.hgetall(keys.sold)
            pipeline.hgetall(keys.units)
            standby, holds, sold, units = pipeline.execute()
        return frozenset(standby), holds, sold, {user: int(number) for user, number in units.items()}

    def late_answers(self, sale_id: UUID, epoch: str, payment_ids: Sequence[UUID]) -> dict[UUID, str]:
        """Return what these late payments were answered under this epoch; others are left out."""
        keys = SaleKeys.of(sale_id)
        if not payment_ids:
            return {}
        with translated():
            pipeline = self.client.pipeline(transaction=False)
            pipeline.hmget(keys.late, list(map(str, payment_ids)))
            pipeline.hget(keys.state, "epoch")  # after them: a rebuild in between shows
            answers, present = pipeline.execute()
        if present != epoch:
            return {}
        return {one: answer for one, answer in zip(payment_ids, answers, strict=True) if answer}

    def noted_audit(self, sale_id: UUID) -> AuditNote | None:
        """Read what the last audit of a running sale found."""
        return self.noted_audits([sale_id]).get(sale_id)

    def noted_audits(self, sale_ids: Sequence[UUID]) -> dict[UUID, AuditNote]:
        """Read the same of many sales in one round trip; those of which nothing is noted are left out."""
        with translated():
            pipeline = self.client.pipeline(transaction=False)
            for sale_id in sale_ids:
                pipeline.get(SaleKeys.of(sale_id).audit)
            found = zip(sale_ids, pipeline.execute(raise_on_error=False), strict=True)
        return {sale_id: AuditNote.unpack(packed) for sale_id, packed in found if isinstance(packed, str)}

    def page(self, sale_id: UUID, *, before: int = 0, limit: int = 50) -> LinePage:
        """List the intents that still stand in line, newest ticket first, from below `before` on."""
        keys = SaleKeys.of(sale_id)
        names = [keys.state, keys.line, keys.intents, keys.lobby]
        now_serving, pace_milli, status, *flat = self._scripts.run("page", names, [before, limit])
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return LinePage(tuple(LiveIntent.unpack(*pair) for pair in pairs), now_serving, pace_milli, status)


def _unpack_look(sale_id: UUID, reply: Sequence[Any]) -> Look:
    now_ms, line_length, departed, claims, overdue, parked, marks, *words = reply
    fields = dict(zip(words[::2], words[1::2], strict=True))
    places = tuple(zip(marks[::2], marks[1::2], strict=True))
    return Look(sale_id, now_ms, line_length, claims, overdue, parked, fields, places, departed)
