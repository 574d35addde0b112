"""A leaky bucket of two numbers: how fast one socket may send, or all together connect."""

from dataclasses import dataclass
from typing import Final

from limits import parse

ABUSE: Final = 20  # messages over the limit, without a pause in between, before the socket is closed


@dataclass(frozen=True, slots=True)
class Rate:
    """How many messages at once, and how many seconds one more takes. None are counted with `gap_s` 0."""

    gap_s: float
    burst_s: float

    @classmethod
    def of(cls, limit: str, *, enabled: bool = True) -> "Rate":
        """Read the notation of the `limits` library, e.g. `60/10 seconds`."""
        item = parse(limit)
        gap_s = item.get_expiry() / item.amount if enabled else 0.0
        return cls(gap_s, gap_s * (item.amount - 1))


class RateGate:
    """Counts one socket's messages, or all connects."""

    __slots__ = ("_empty_at", "refused")

    def __init__(self) -> None:
        self._empty_at = 0.0  # when the bucket will have run out, in monotonic seconds
        self.refused = 0  # since the last pause

    def lets_through(self, rate: Rate, now: float) -> bool:
        """Count one message; False where it is one too many."""
        if self._empty_at <= now:
            self._empty_at, self.refused = now, 0
        if self._empty_at - now > rate.burst_s + 1e-9:
            self.refused += 1
            return False
        self._empty_at += rate.gap_s
        return True

    @property
    def is_abused(self) -> bool:
        """Whether the refusals are ignored."""
        return self.refused > ABUSE
