"""Distributions of durations, as every report tells them."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution of durations, in milliseconds."""

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, durations_ns: Iterable[int]) -> "Spread":
        """Describe durations in nanoseconds, by the nearest rank."""
        ranked = sorted(durations_ns)
        if not ranked:
            return cls(0, 0.0, 0.0, 0.0)
        cuts = (ranked[min(len(ranked) - 1, int(share * len(ranked)))] for share in (0.5, 0.99, 1.0))
        return cls(len(ranked), *(round(cut / 1e6, 1) for cut in cuts))

    def __str__(self) -> str:
        return f"{self.p50_ms:,.0f} / {self.p99_ms:,.0f} / {self.max_ms:,.0f} ms" if self.count else "none"


def between(starts_ns: Iterable[int], ends_ns: Iterable[int]) -> Spread:
    """The spread of the durations whose both ends are known (not 0)."""
    return Spread.of(end - start for start, end in zip(starts_ns, ends_ns, strict=True) if start and end)
