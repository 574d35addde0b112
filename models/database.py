"""Owns the way to PostgreSQL: the engine, transactions, and the translation of the driver's errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from models.errors import LedgerBusy, LedgerUnavailable
from models.faults import Fault, fault_of, spoils_every_session
from models.rows import metadata

CONNECT_TIMEOUT_S: Final = 3
STATEMENT_TIMEOUT_MS: Final = 15_000
POOL_WAIT_S: Final = 5
READ_ONLY_SIGNS: Final = (b"default_transaction_read_only", b"in_hot_standby")  # as the server reports them


class Database:
    """One engine of one process. Made in a composition root, never at import.

    `info` is what every session knows of the process it works for, as `Session.info`.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 5,
        application_name: str = "flash-sale",
        info: Mapping[str, str] | None = None,
    ) -> None:
        options: dict[str, Any] = {
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": application_name,
            "options": f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS}",
        }
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_S,
            pool_pre_ping=False,
            connect_args=options,
        )
        self._aside: Engine = create_engine(
            url, poolclass=NullPool, connect_args={**options, "prepare_threshold": None}
        )
        for engine in (self.engine, self._aside):
            event.listen(engine, "handle_error", _discard_spoiled)
        event.listen(self.engine, "checkin", _discard_read_only)
        self.metadata = metadata  # naming it loads every table, so that foreign keys find theirs
        self._sessions = sessionmaker(self.engine, expire_on_commit=False, info=dict(info or {}))

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session in one transaction: committed at the end, rolled back on any error.

        Raises:
            LedgerUnavailable: PostgreSQL cannot be reached, cannot do its work, or went away in between.
                Whether a commit that was under way took place is then unknown; callers are idempotent.
        """
        with translated(), self._sessions.begin() as session:
            yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """The same on a bare connection, for set-based statements."""
        with translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def fresh_connection(self) -> Iterator[Connection]:
        """The same on a connection of its own, that nobody used before and nobody will use again.

        Whatever goes wrong there is not for what others left behind, as prepared statements or settings.
        """
        with translated(), self._aside.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close every pooled connection, e.g. after a fork."""
        self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's words for «PostgreSQL cannot do this now» into the domain's.

    What PostgreSQL says of the rows themselves (`models.faults.ROW_FAULTS`) stays as it is.
    """
    try:
        yield
    except PoolTimeout as error:
        raise LedgerBusy(str(error)) from error
    except DBAPIError as error:
        fault = fault_of(error)
        if error.connection_invalidated or fault is Fault.AWAY:
            raise LedgerUnavailable(_told(error)) from error
        if fault is Fault.BUSY:
            raise LedgerBusy(_told(error)) from error
        raise


def _discard_read_only(connection: psycopg.Connection[Any] | None, record: ConnectionPoolEntry) -> None:
    """Keep no session that was opened while the ledger took no writes: it would go on to take none."""
    if connection is not None and any(
        connection.pgconn.parameter_status(name) == b"on" for name in READ_ONLY_SIGNS
    ):
        record.invalidate()


def _told(error: DBAPIError) -> str:
    """What the driver said, without the statement and its values: they may be somebody's."""
    return f"{type(error.orig).__name__}: {error.orig}"


def _discard_spoiled(context: ExceptionContext) -> None:
    """Never use a connection again on which the ledger could not do its work.

    It may keep what made it fail after everybody else is well: a session that may only read, a statement
    that is prepared no more.
    """
    error = context.sqlalchemy_exception
    if not isinstance(error, DBAPIError) or context.is_disconnect:
        return
    if fault_of(error) is Fault.AWAY:
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = spoils_every_session(error)
