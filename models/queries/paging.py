"""Orders a query for paging by key: newest first, from below the last row that was seen."""

from collections.abc import Sequence
from typing import Any, TypeVarTuple

from sqlalchemy import Select, tuple_

Ts = TypeVarTuple("Ts")


def newest(query: Select[*Ts], keys: Sequence[Any], before: tuple[Any, ...] | None) -> Select[*Ts]:
    """Order a query by keys, newest first, and begin below the keys `before`."""
    if before is not None:
        query = query.where(tuple_(*keys) < before)
    return query.order_by(*(key.desc() for key in keys))
