"""Orders a query for paging by key: newest first, from below the last row that was seen."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar, TypeVarTuple
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, aliased

from models.tables.orders import Intent, Order

Row = TypeVar("Row", type[Intent], type[Order])
Found = TypeVar("Found")
Ts = TypeVarTuple("Ts")

DEPTHS: Final = (500, 4_000)  # how many of the newest rows a search looks through before it asks an index
FREQUENT: Final = 64  # a word that one row in so many has is looked for deeper


def newest(query: Select[*Ts], keys: Sequence[Any], before: tuple[Any, ...] | None) -> Select[*Ts]:
    """Order a query by keys, newest first, and begin below the keys `before`."""
    if before is not None:
        query = query.where(tuple_(*keys) < before)
    return query.order_by(*(key.desc() for key in keys))


def newest_by_status(
    rows: Row,
    at: InstrumentedAttribute[datetime],
    statuses: Iterable[str],
    *,
    sale_id: UUID | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Row:
    """Make a table of everybody's newest rows of these statuses by `at`, of one sale or of all.

    An index has each status by itself, so that the newest are found however rare they are: a list of each is
    read, and they are merged. In the index for all sales a status is in disguise, or the planner would read a
    sale's list by it, and pass over everything that is newer.
    """
    lists = []
    for status in statuses:
        query = select(rows).where(func.lower(rows.status) == status)
        if sale_id is not None:
            query = select(rows).where(rows.sale_id == sale_id, rows.status == status)
        lists.append(newest(query, (at, rows.id), before).limit(limit))
    return aliased(rows, union_all(*lists).subquery())


def search(
    look_through: Callable[[int], Sequence[Found]], by_index: Callable[[], Sequence[Found]], limit: int
) -> Sequence[Found]:
    """Find the newest rows with a word: a frequent one among the newest rows, any other by its index.

    An index tells all rows with a word, in no order: too many where it is frequent. `look_through` finds up
    to `limit` rows among so many of the newest ones.
    """
    for depth in DEPTHS:
        found = look_through(depth)
        if len(found) >= limit:
            return found
        if len(found) * FREQUENT < depth:
            break
    return by_index()
