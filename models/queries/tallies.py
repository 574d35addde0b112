"""Asks the ledger for its tallies: what was counted by those who move money."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.tables.tallies import Tally

_SUMS: Final = select(
    Tally.name, Tally.labels, func.sum(Tally.count).cast(Tally.count.type), func.sum(Tally.total_ms)
).group_by(Tally.name, Tally.labels)


def read_tallies(session: Session) -> Mapping[str, Mapping[tuple[str, ...], tuple[int, int]]]:
    """Read every count: by name and labels, how many and how many milliseconds all of them took."""
    found: dict[str, dict[tuple[str, ...], tuple[int, int]]] = {}
    for name, labels, many, ms in session.execute(_SUMS):
        found.setdefault(name, {})[tuple(labels.split(","))] = (many, int(ms))
    return found
