"""Owns the difference between two clocks: the shop's, by its messages' `server_time`, and this machine's."""

import time
from datetime import datetime


class ClockOffset:
    """How far the shop's clock is ahead of this one's at most, as learnt from what it sent.

    A message is never heard before it was written. So the shop's time less the time of its hearing is the
    true difference less the way that the message took: the largest that was seen is the nearest to it.
    """

    def __init__(self) -> None:
        self.ahead_s: float | None = None  # None: nothing was heard yet

    def learn(self, server_time: str, heard_at_s: float | None = None) -> None:
        """Take a `server_time` (RFC 3339) that was heard at a moment of `time.time`, by default now.

        Raises:
            ValueError: it is no such time.
        """
        heard = time.time() if heard_at_s is None else heard_at_s
        ahead = datetime.fromisoformat(server_time).timestamp() - heard
        self.ahead_s = ahead if self.ahead_s is None else max(self.ahead_s, ahead)

    def age_s(self, server_time: str, heard_at_s: float) -> float:
        """How long ago the shop wrote a time that was heard at a moment, by the shop's own clock.

        Raises:
            ValueError: it is no such time, or nothing was learnt yet.
        """
        if self.ahead_s is None:
            raise ValueError("nothing was heard of the shop's clock yet")
        return heard_at_s + self.ahead_s - datetime.fromisoformat(server_time).timestamp()
