"""Decides when a sale may be broadcast next: at once when it is quiet, less often the more work it is.

A broadcast costs a process some 10 µs a member, and all processes get the same news in the same instant.
So after each broadcast all sales of the process rest for several times as long as it took. That bounds its
share of the time, on a busy machine too, where it takes longer. News waits no longer than the patience
allows; the patience is longer while shoppers wait for answers, since answers come before snapshots
(docs/decisions/0019).
"""

from collections.abc import Callable
from typing import Final

MERGE_S: Final = 0.25  # between two broadcasts of one sale: what happens in it is one snapshot
REST: Final = 4.0  # times what a broadcast took, from one to the next: a quarter of the time
PATIENCE_S: Final = 1.5  # from the news to the last member's hearing it, where that can be
PATIENCE_IN_A_RUSH_S: Final = 4.0  # while submissions of this process are not answered


class Paced:
    """News to broadcast, and how the last broadcast went. Times are those of the caller's clock."""

    __slots__ = ("broadcast_at", "broadcast_took_s", "news_since")

    def __init__(self) -> None:
        self.news_since = 0.0  # since when something is known and not being sent; 0: nothing is
        self.broadcast_at = 0.0  # when the last broadcast began
        self.broadcast_took_s = 0.0  # the work of it, without what others did in between

    def expect(self, now: float) -> None:
        """There is, or may be, something new."""
        self.news_since = self.news_since or now


class BroadcastThrottle:
    """Decides when the broadcasts of one process may begin."""

    def __init__(self, is_rushed: Callable[[], bool] = lambda: False) -> None:
        self._is_rushed = is_rushed
        self._rested_at = 0.0

    def begins_at(self, paced: Paced) -> float:
        """When its next broadcast may begin."""
        merged_at = paced.broadcast_at + MERGE_S
        polite = max(merged_at, self._rested_at)
        if not paced.news_since:
            return polite
        return min(polite, max(merged_at, paced.news_since + self._patience_s() - paced.broadcast_took_s))

    def spent(self, paced: Paced, began: float, took_s: float) -> None:
        """Record a broadcast that is over."""
        paced.broadcast_at = began
        paced.broadcast_took_s = took_s
        rested_at = max(self._rested_at, began) + took_s * REST
        self._rested_at = min(
            rested_at, began + took_s + self._patience_s()
        )  # a broadcast that was hurried adds no further rest

    def _patience_s(self) -> float:
        return PATIENCE_IN_A_RUSH_S if self._is_rushed() else PATIENCE_S
