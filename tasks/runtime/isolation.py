"""Isolates the parts of a loop from each other: the failure of one is logged, and the next gets its turn."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from models.errors import FlashSaleError, LedgerBusy, LedgerUnavailable
from tasks.runtime.failpoints import Failed

T = TypeVar("T")
R = TypeVar("R")

log: Final = structlog.get_logger()


@contextmanager
def apart(event: str, **which: Any) -> Iterator[None]:
    """Run one part of a sweep; whatever error it raises is logged and stops nothing else.

    Raises:
        LedgerUnavailable: PostgreSQL is unavailable, so the other parts would fail too.
    """
    try:
        yield
    except (LedgerUnavailable, Failed):  # a failpoint simulates a crash, which must not be caught
        raise
    except FlashSaleError as error:
        log.warning(event, error=str(error), **which)
    except Exception:
        log.exception(event, **which)


def together_or_alone(
    items: Sequence[T], together: Callable[[Sequence[T]], Mapping[int, R]], alone: Callable[[T], R]
) -> list[R | Exception]:
    """Do something with several at once; returns their results, in their order.

    `together` returns the results by place, and leaves out whom it could not include. Those are done one by
    one afterwards, as are all where the ledger refuses the batch: so nobody suffers from another's row.

    Raises:
        LedgerUnavailable: PostgreSQL is unavailable, so that nobody could be done.
    """
    done: Mapping[int, R] = {}
    if len(items) > 1:
        try:
            done = together(items)
        except (LedgerBusy, DBAPIError, FlashSaleError) as error:
            if isinstance(error, LedgerUnavailable) and not isinstance(error, LedgerBusy):
                raise
            log.warning("batch_done_one_by_one", of=len(items), error=repr(error))
    return [done[at] if at in done else _outcome_of(alone, item) for at, item in enumerate(items)]


def _outcome_of(alone: Callable[[T], R], item: T) -> R | Exception:
    try:
        return alone(item)
    except (FlashSaleError, DBAPIError) as error:
        return error
