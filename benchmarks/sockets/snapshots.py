"""What the sockets of a process are shown of sales: the last snapshot of each, and when it came.

All sockets of a server process get the same bytes, so that each snapshot is read once and then known by them.
"""

from array import array
from collections.abc import Mapping
from typing import Any, Final

import orjson

KEPT: Final = 1024  # snapshots known by their bytes; then they are learnt again
SHOWN: Final = (
    "status",
    "price",
    "allocation",
    "available",
    "held",
    "sold",
    "waiting",
    "standby",
    "now_serving",
    "last_ticket",
)


class SaleSnapshot:
    """One `sale` message."""

    __slots__ = ("fields", "price_minor", "sale_id")

    def __init__(self, message: Mapping[str, Any]) -> None:
        self.sale_id = str(message["sale_id"])
        self.price_minor = int(message["price"]["amount_minor"])
        self.fields = {name: message[name] for name in SHOWN}


class Changes:
    """When each socket heard of each of a series of changes: the n-th sets the price to `base_minor` + n.

    Changes may be merged into one snapshot, so that a price tells of all changes up to its own.
    """

    def __init__(self, sockets: int, base_minor: int, number: int) -> None:
        self._base = base_minor
        self._known = array("H", bytes(2 * sockets))  # the last change that each has heard of
        self.heard_ns = [array("q", bytes(8 * sockets)) for _ in range(number)]  # 0: not heard of

    def take(self, index: int, price_minor: int, at_ns: int) -> None:
        """A socket was shown a price."""
        newest, known = price_minor - self._base, self._known[index]
        if known < newest <= len(self.heard_ns):
            for change in range(known, newest):
                self.heard_ns[change][index] = at_ns
            self._known[index] = newest


class LastSnapshots:
    """The last snapshot of every socket, of the sale that it watches."""

    def __init__(self, watched: list[str]) -> None:
        self.watched = watched  # the sale's id, by socket
        self.shown: list[SaleSnapshot | None] = [None] * len(watched)
        self.heard = 0
        self.changes = Changes(len(watched), 0, 0)
        self._by_payload: dict[bytes, SaleSnapshot] = {}
        self._payload = b""
        self._snapshot: SaleSnapshot | None = None

    def take(self, index: int, payload: bytes, at_ns: int) -> bool:
        """A socket was sent a snapshot; says whether it is one of the sale that the socket watches."""
        if payload != self._payload:
            self._snapshot = self._by_payload.get(payload) or self._read(payload)
            self._payload = payload
        snapshot = self._snapshot
        if snapshot is None or snapshot.sale_id != self.watched[index]:
            return False
        self.heard += 1
        if self.shown[index] is not snapshot:
            self.shown[index] = snapshot
            self.changes.take(index, snapshot.price_minor, at_ns)
        return True

    def begin_changes(self, base_minor: int, number: int) -> None:
        """Note from now on when each of so many changes is heard of."""
        self.changes = Changes(len(self.shown), base_minor, number)

    def count_matching(self, sale_id: str, fields: Mapping[str, Any]) -> int:
        """How many sockets show these figures of a sale."""
        right = {one for one in set(self.shown) if one and one.sale_id == sale_id and one.fields == fields}
        return sum(one in right for one in self.shown)

    def _read(self, payload: bytes) -> SaleSnapshot:
        message = orjson.loads(payload)
        snapshot = SaleSnapshot(message)
        if len(self._by_payload) >= KEPT:
            self._by_payload.clear()
        self._by_payload[payload] = snapshot
        return snapshot
