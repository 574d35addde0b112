"""Work on many things, done for each apart: one's trouble is written down, and the next gets its turn."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog

from models.errors import FlashSaleError, LedgerUnavailable
from tasks.runtime.failpoints import Failed

log: Final = structlog.get_logger()


@contextmanager
def apart(event: str, **which: Any) -> Iterator[None]:
    """Do one part of a sweep; what hinders it hinders nothing else, foreseen or not.

    Raises:
        LedgerUnavailable: PostgreSQL is away, and the others could do nothing either.
    """
    try:
        yield
    except (LedgerUnavailable, Failed):  # a failpoint stands for a crash, which nothing gets over
        raise
    except FlashSaleError as error:
        log.warning(event, error=str(error), **which)
    except Exception:
        log.exception(event, **which)
