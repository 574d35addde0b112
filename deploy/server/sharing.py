"""Balances new connections between web processes: the one with more lets the others go first.

All processes accept from one socket, so that a connection waits for nobody in particular and none is lost
with a process that ends. But then the process that wakes first takes it, and with sockets that stay for
hours one process would be full while another is empty. (gunicorn's `reuse_port` gives each process a socket
of its own and lets the kernel choose at random: even on average, but a connection that a full or dying
process was given stays there.)
"""

import mmap
import struct
import time
from collections.abc import Callable
from typing import Final

SEATS: Final = 256  # processes, with those that are on their way out
STALE_S: Final = 3.0  # a process that said nothing for so long does not count
SAY_EVERY_S: Final = 1.0  # at rest
FRESH_S: Final = 0.05  # for so long what was exchanged is good for deciding who takes a connection
AHEAD: Final = 64  # connections more than the fewest that are not yet too many
AHEAD_SHARE: Final = 0.02  # or this part of what it has

_SEAT: Final = struct.Struct("=ddd")  # connections, room for more, monotonic time of saying so


class Board:
    """Where the processes write how many connections they have. Made before the fork, in memory of all."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, SEATS * _SEAT.size)

    def say(self, seat: int, connections: int, room: int, now: float) -> None:
        """Publish this process's numbers."""
        _SEAT.pack_into(self._memory, seat % SEATS * _SEAT.size, connections, room, now)

    def leave(self, seat: int) -> None:
        """Stop counting this process."""
        self.say(seat, 0, 0, 0.0)

    def others(self, seat: int, now: float) -> list[tuple[float, float]]:
        """The connections and the room of every other process that lives."""
        seats = enumerate(_SEAT.iter_unpack(self._memory[:]))
        return [
            (connections, room)
            for number, (connections, room, said_at) in seats
            if number != seat % SEATS and now - said_at < STALE_S
        ]


class Share:
    """One process's part: whether it may take a connection now, or should let others go first."""

    def __init__(
        self,
        board: Board,
        seat: int,
        count: Callable[[], int],
        capacity: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._board = board
        self._seat = seat
        self._count = count
        self._capacity = capacity
        self._clock = clock
        self._fewest = 0.0  # connections of the process that has the fewest and has room
        self._others_have_room = False
        self._exchanged_at = float("-inf")

    @property
    def is_full(self) -> bool:
        """Whether it has no room while others have: it should take nothing at all."""
        return self._count() >= self._capacity() and self._others_have_room

    @property
    def is_ahead(self) -> bool:
        """Whether it has so many more than another that that one should go first."""
        count = self._count()
        return self._others_have_room and count > self._fewest + max(AHEAD, count * AHEAD_SHARE)

    def leave(self) -> None:
        """This process takes no more connections."""
        self._board.leave(self._seat)

    def refresh(self) -> None:
        """Exchange numbers unless that was done just now; before each decision about a connection."""
        if self._clock() - self._exchanged_at >= FRESH_S:
            self.exchange()

    def exchange(self) -> None:
        """Publish this process's numbers and read the others'; at rest to be done every `SAY_EVERY_S`."""
        now = self._exchanged_at = self._clock()
        count = self._count()
        self._board.say(self._seat, count, max(self._capacity() - count, 0), now)
        able = [connections for connections, room in self._board.others(self._seat, now) if room > 0]
        self._others_have_room = bool(able)
        self._fewest = min(able, default=0.0)
