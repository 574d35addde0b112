"""The time series of a report: rows of a few seconds each, which can be made coarser or read at any second.

There is a row only where something happened. Its counts are those of its seconds; its levels are those at
their end, and hold until the next row. Independent of the stores.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MOST_ROWS: Final = 3_600
STEPS: Final = (1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400)  # seconds; each divides the next
COUNTS: Final = ("intents", "decided", "granted", "paid", "refused")
LEVELS: Final = ("line", "standby", "available", "held", "sold")
COLUMNS: Final = ("seconds", *COUNTS, *LEVELS)

Row = tuple[int, ...]  # as `COLUMNS` names them; seconds are since the opening, before it below zero


@dataclass(frozen=True, slots=True)
class Series:
    """What happened in a sale, in order of time. `first` are its levels before anything did."""

    bucket_seconds: int
    first: tuple[int, ...]
    rows: tuple[Row, ...]

    @classmethod
    def of_moves(cls, moves: Iterable[Mapping[str, Any]], first_units: int) -> "Series":
        """Add up how much each level grew, beginning with so many free units."""
        first = (0, 0, first_units, 0, 0)
        levels, step, rows = list(first), STEPS[0], []
        for move in moves:
            step = int(move["step"])
            grown = (move["line"], move["standby"], move["free"], move["held"], move["sold"])
            levels = [level + int(more) for level, more in zip(levels, grown, strict=True)]
            rows.append((int(move["second"]), *(int(move[name]) for name in COUNTS), *levels))
        return cls(step, first, tuple(rows))

    @classmethod
    def read(cls, message: Mapping[str, Any]) -> "Series":
        """Read it from a report."""
        rows = tuple(tuple(row) for row in message["rows"])
        return cls(message["bucket_seconds"], tuple(message["first"]), rows)

    def as_message(self) -> dict[str, Any]:
        """Write it as plain data: the columns' names once, then bare rows."""
        return {
            "bucket_seconds": self.bucket_seconds,
            "columns": list(COLUMNS),
            "first": list(self.first),
            "rows": [list(row) for row in self.rows],
        }

    def coarser(self, step: int) -> "Series":
        """Gather rows to steps of so many seconds; a step that is not coarser changes nothing.

        Raises:
            ValueError: the present step does not divide it.
        """
        if step <= self.bucket_seconds:
            return self
        if step % self.bucket_seconds:
            raise ValueError(f"{self.bucket_seconds} s do not divide {step} s.")
        gathered: dict[int, Row] = {}
        for second, *values in self.rows:
            start = second // step * step
            gathered[start] = _joined(gathered.get(start), (start, *values))
        return Series(step, self.first, tuple(gathered.values()))

    def at_most(self, most: int) -> "Series":
        """Make it as coarse as needed to have at most so many rows."""
        for step in STEPS:
            found = self.coarser(step)
            if len(found.rows) <= most:
                return found
        return self.coarser(STEPS[-1])

    def between(self, start: int, end: int) -> "Series":
        """Keep the rows from second `start` to before second `end`; levels go on from those before."""
        first, kept = self.first, []
        for row in self.rows:
            if row[0] < start:
                first = row[1 + len(COUNTS) :]
            elif row[0] < end:
                kept.append(row)
        return Series(self.bucket_seconds, first, tuple(kept))

    def aligned(self, seconds: Sequence[int]) -> dict[str, list[int]]:
        """Return each column at these seconds, which are in order: no counts where nothing happened."""
        by_second = {row[0]: row for row in self.rows}
        told: dict[str, list[int]] = {name: [] for name in COLUMNS[1:]}
        levels = self.first
        for second in seconds:
            row = by_second.get(second)
            counts = row[1 : 1 + len(COUNTS)] if row else (0,) * len(COUNTS)
            levels = row[1 + len(COUNTS) :] if row else levels
            for name, value in zip(told, (*counts, *levels), strict=True):
                told[name].append(value)
        return told


def same_step(one: Series, other: Series) -> tuple[Series, Series]:
    """Bring two series to the coarser one's step."""
    step = max(one.bucket_seconds, other.bucket_seconds)
    return one.coarser(step), other.coarser(step)


def _joined(before: Row | None, row: Row) -> Row:
    if before is None:
        return row
    counts = (one + more for one, more in zip(before[1 : 1 + len(COUNTS)], row[1:], strict=False))
    return (row[0], *counts, *row[1 + len(COUNTS) :])
