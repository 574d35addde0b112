"""Limits questions about sales that this process does not know: most do not exist, and asking costs time.

A missing sale is remembered for a moment; a socket and a network may be wrong only so many times; and a
worker that looked for a missing sale rests before the next.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar
from uuid import UUID

import gevent
from limits import parse

from models.errors import NoSuchSale
from web.http.errors import TooManyRequests
from web.limits.networks import networks_of
from web.sockets.transport.connection import Connection

REMEMBERED_S: Final = 2.0  # that there is no such sale
MOST_SALES: Final = 10_000  # remembered, of either kind
MOST_NETWORKS: Final = 10_000  # counted
WRONG_PAUSE_S: Final = 0.025  # that a worker rests after it looked for a sale that does not exist

T = TypeVar("T")


class UnknownSales:
    """Remembers which sales exist, as far as was asked here, and who asked for others."""

    def __init__(
        self,
        limit: str,
        *,
        enabled: bool = True,
        spares: Callable[[str], bool] = lambda _address: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        item = parse(limit)
        self._gap_s = item.get_expiry() / item.amount if enabled else 0.0
        self._burst_s = float(item.get_expiry())
        self._spares = spares
        self._clock = clock
        self._known: OrderedDict[UUID, None] = OrderedDict()
        self._none: OrderedDict[UUID, float] = OrderedDict()  # until when
        self._spent: OrderedDict[str, float] = OrderedDict()  # when a network's wrong questions are forgiven

    def is_known(self, sale_id: UUID) -> bool:
        """Whether there is such a sale, as far as was asked here."""
        return sale_id in self._known

    def standing(self, connection: Connection) -> str:
        """In which queue a connection waits: those who were wrong lately wait among themselves."""
        return "wrong" if self._gap_s and connection.wrong_until > self._clock() else ""

    def look(self, connection: Connection, sale_id: UUID, ask: Callable[[], T]) -> T:
        """Ask about a sale, where the asking is allowed.

        Raises:
            NoSuchSale: there is none, or there was none a moment ago.
            TooManyRequests: too many of those that were asked for were none.
        """
        if self._none.get(sale_id, 0.0) > self._clock():
            raise NoSuchSale("No sale has this id.")
        if sale_id not in self._known:
            self._require_budget(connection)
        try:
            found = ask()
        except NoSuchSale:
            self._note_wrong(connection, sale_id)
            gevent.sleep(WRONG_PAUSE_S)
            raise
        _put(self._known, sale_id, None, MOST_SALES)
        return found

    def _require_budget(self, connection: Connection) -> None:
        if not self._gap_s:
            return
        now = self._clock()
        waits = [connection.wrong_until - now - self._burst_s + self._gap_s]
        waits += [
            self._spent.get(name, 0.0) - now - self._burst_s + gap_s
            for name, gap_s in self._networks(connection)
        ]
        if (wait_s := max(waits)) > 1e-9:
            raise TooManyRequests(wait_s, "Too many of the sales that were asked for are none; slow down.")

    def _note_wrong(self, connection: Connection, sale_id: UUID) -> None:
        now = self._clock()
        self._known.pop(sale_id, None)
        _put(self._none, sale_id, now + REMEMBERED_S, MOST_SALES)
        if not self._gap_s:
            return
        connection.wrong_until = max(connection.wrong_until, now) + self._gap_s
        for name, gap_s in self._networks(connection):
            _put(self._spent, name, max(self._spent.get(name, 0.0), now) + gap_s, MOST_NETWORKS)

    def _networks(self, connection: Connection) -> list[tuple[str, float]]:
        """Those to count, each with the seconds that one wrong asking takes it to be forgiven."""
        if not self._gap_s or self._spares(connection.address):
            return []
        return [(one.name, self._gap_s / one.share) for one in networks_of(connection.address)]


K = TypeVar("K")
V = TypeVar("V")


def _put(table: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    """Remember one more; the least recently used makes room."""
    table[key] = value
    table.move_to_end(key)
    if len(table) > most:
        table.popitem(last=False)
