"""Isolates the parts of a loop from each other: the failure of one is logged, and the next gets its turn."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog

from models.errors import FlashSaleError, LedgerUnavailable
from tasks.runtime.failpoints import Failed

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
