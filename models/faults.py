"""Classifies an error of PostgreSQL's driver: bad rows, contention, or a ledger that is unavailable.

Only what PostgreSQL says of the data itself (SQLSTATE classes 22 and 23) counts against rows. Everything else
says nothing about them: a missing privilege or table, a read-only transaction, a statement that a pooler
mixed up.
"""

from enum import Enum
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

ROW_CLASSES: Final = ("22", "23")  # data exception, integrity constraint violation
IN_THE_WAY: Final = frozenset(
    {
        "40001",  # serialization failure
        "40P01",  # deadlock
        "55P03",  # a lock was not to be had in time
        "57014",  # the statement took too long
        "53300",  # too many connections
    }
)
# What belongs to one statement and not to its session; other connections need not be given up for it.
OF_A_STATEMENT: Final = ("0A", "42")
ROW_FAULTS: Final = (DataError, IntegrityError)  # SQLAlchemy's and the driver's name for those two classes


class Fault(Enum):
    """What an error is caused by."""

    ROW = "row"  # what was to be written
    BUSY = "busy"  # the ledger is healthy, and others are in the way
    AWAY = "away"  # the ledger cannot do its work now


def fault_of(error: DBAPIError) -> Fault:
    """Classify an error of the driver."""
    state = sqlstate_of(error)
    if state is None:  # the driver itself refuses some values, e.g. texts with a NUL
        return Fault.ROW if isinstance(error, ROW_FAULTS) else Fault.AWAY
    if state[:2] in ROW_CLASSES:
        return Fault.ROW
    return Fault.BUSY if state in IN_THE_WAY else Fault.AWAY


def sqlstate_of(error: DBAPIError) -> str | None:
    """Read PostgreSQL's own code of an error, if it came from there."""
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state


def spoils_every_session(error: DBAPIError) -> bool:
    """Return whether connections that are open already are not to be trusted after an error."""
    state = sqlstate_of(error)
    return state is None or state[:2] not in OF_A_STATEMENT
