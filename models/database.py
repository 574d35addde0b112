"""Connects to PostgreSQL: the engine, transactions, and the translation of the driver's errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol, cast

import psycopg
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, text
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from models.connector import Connector, Pooler
from models.driver import PROBE, SILENCE, STEADY, Patience, PatientConnection, startup
from models.errors import LedgerBusy, LedgerSilent, LedgerUnavailable
from models.faults import Fault, fault_of, spoils_every_session
from models.tables.rows import metadata

CONNECT_TIMEOUT_S: Final = 2  # seconds, the least that the driver knows
POOL_WAIT_S: Final = 5
READ_ONLY_SIGNS: Final = (b"default_transaction_read_only", b"in_hot_standby")  # as the server reports them


_TAKE_TIME: Final = text("""
    SELECT set_config('statement_timeout', :statement, true),
           set_config('idle_in_transaction_session_timeout', :idle, true)
""")


class Guard(Protocol):
    """Keeps callers from waiting for a server that is known not to answer: see `tasks.runtime.breaker`."""

    @property
    def is_open(self) -> bool:
        """Whether the server is known not to answer."""

    def is_closed(self) -> bool:
        """Return whether to ask the server; probes whether it answers again, one caller at a time."""

    def trip(self) -> None:
        """Note that the server did not answer."""


class Database:
    """One engine of one process. Made in a composition root, never at import.

    `info` is what every session knows of the process it works for, as `Session.info`. `patience` is what work
    has that does not `take_time`. Where there is a `guard`, nobody waits for a server that is known to be
    silent.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 5,
        application_name: str = "flash-sale",
        info: Mapping[str, str] | None = None,
        patience: Patience = STEADY,
        pooler: str = Pooler.AUTO,
    ) -> None:
        self.guard: Guard | None = None
        self.is_disposed = False
        self._patience = patience
        self._connector = Connector(pooler)
        options = startup(application_name, patience, CONNECT_TIMEOUT_S)
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
            event.listen(engine, "do_connect", self._connect)
            event.listen(engine, "handle_error", _discard_spoiled)
        event.listen(self.engine, "checkout", self._check_out)
        event.listen(self.engine, "checkin", self._discard_read_only)
        self.metadata = metadata  # naming it loads every table, so that foreign keys find theirs
        self._sessions = sessionmaker(self.engine, expire_on_commit=False, info=dict(info or {}))

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session in one transaction: committed at the end, rolled back on any error.

        Raises:
            LedgerUnavailable: PostgreSQL cannot be reached, cannot do its work, or went away in between.
                Whether a commit that was under way took place is then unknown; callers are idempotent.
        """
        with self._guarded(), self._sessions.begin() as session:
            yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """The same on a connection without a session, for set-based statements."""
        with self._guarded(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def fresh_connection(self) -> Iterator[Connection]:
        """The same on a connection of its own, which is used for nothing else before or after.

        Whatever goes wrong there is not caused by what others left behind, such as prepared statements or
        settings. It asks even a server that is known to be silent.
        """
        with translated(), self._aside.begin() as connection:
            yield connection

    @contextmanager
    def probing(self) -> Iterator[Connection]:
        """A fresh connection for a query that a healthy server answers at once."""
        with self.fresh_connection() as connection:
            _driver_of(connection).patience = PROBE
            yield connection

    def answers(self) -> bool:
        """Return whether PostgreSQL answers in time, even if it refuses."""
        try:
            with self.probing() as connection:
                connection.execute(text("SELECT 1"))
        except LedgerSilent:
            return False
        except LedgerUnavailable:
            return True
        return True

    def require_heard(self) -> None:
        """Fail at once if the server is known to be silent.

        Raises:
            LedgerUnavailable: it is.
        """
        if self.guard is not None and not self.guard.is_closed():
            raise LedgerUnavailable("PostgreSQL does not answer.")

    @property
    def connections_in_use(self) -> int:
        """How many of the pool's connections are in use."""
        return cast(QueuePool, self.engine.pool).checkedout()

    @property
    def connections_limit(self) -> int:
        """How many connections the pool may have."""
        return cast(QueuePool, self.engine.pool).size()

    def dispose(self) -> None:
        """Close every pooled connection; background threads begin nothing new."""
        self.is_disposed = True
        self.engine.dispose()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        self.require_heard()
        try:
            with translated():
                yield
        except LedgerSilent:
            if self.guard is not None:
                self.guard.trip()
            raise

    def _connect(
        self, _dialect: Dialect, _record: ConnectionPoolEntry, arguments: list[Any], named: dict[str, Any]
    ) -> PatientConnection:
        connection = self._connector.open(*arguments, **named)
        connection.patience = self._patience
        connection.is_hopeless = self._is_silent
        return connection

    def _check_out(self, connection: PatientConnection, _record: ConnectionPoolEntry, _fairy: object) -> None:
        """After waiting for a connection, do not also wait for a server that is known to be silent."""
        connection.patience = self._patience
        if self._is_silent():
            raise LedgerUnavailable("PostgreSQL does not answer.")

    def _discard_read_only(
        self, connection: psycopg.Connection[Any] | None, record: ConnectionPoolEntry
    ) -> None:
        """Drop a session that was opened while the ledger was read-only: it would stay read-only.

        A pooler reports what its first session was, and drops sessions by itself.
        """
        if connection is None or self._connector.is_pooled:
            return
        if any(connection.pgconn.parameter_status(name) == b"on" for name in READ_ONLY_SIGNS):
            record.invalidate()

    def _is_silent(self) -> bool:
        return self.guard is not None and self.guard.is_open


def take_time(place: Session | Connection, patience: Patience) -> None:
    """Set the time limits for the rest of a transaction.

    Raises:
        DBAPIError: as any statement does.
    """
    connection = place.connection() if isinstance(place, Session) else place
    connection.execute(_TAKE_TIME, {"statement": str(patience.statement_ms), "idle": str(patience.idle_ms)})
    _driver_of(connection).patience = patience


def read_as_one(session: Session) -> None:
    """Let all statements of a transaction see the ledger as it is now; to be called before the first one.

    Else each sees what was committed before it began, and what they say may contradict itself.
    """
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def _driver_of(connection: Connection) -> PatientConnection:
    return cast(PatientConnection, connection.connection.driver_connection)


@contextmanager
def translated() -> Iterator[None]:
    """Translate the driver's errors for «PostgreSQL cannot do this now» into the domain's.

    Errors about the rows themselves (`models.faults.ROW_FAULTS`) stay as they are.
    """
    try:
        yield
    except PoolTimeout as error:
        raise LedgerBusy(str(error)) from error
    except DBAPIError as error:
        fault = fault_of(error)
        if isinstance(error.orig, SILENCE):
            raise LedgerSilent(_told(error)) from error
        if error.connection_invalidated or fault is Fault.AWAY:
            raise LedgerUnavailable(_told(error)) from error
        if fault is Fault.BUSY:
            raise LedgerBusy(_told(error)) from error
        raise


def _told(error: DBAPIError) -> str:
    """What the driver said, without the statement and its values: they may be personal data."""
    return f"{type(error.orig).__name__}: {error.orig}"


def _discard_spoiled(context: ExceptionContext) -> None:
    """Never use a connection again on which the ledger could not do its work.

    It may stay broken after the server has recovered: a read-only session, a prepared statement
    that is gone.
    """
    error = context.sqlalchemy_exception
    if not isinstance(error, DBAPIError) or context.is_disconnect:
        return
    if fault_of(error) is Fault.AWAY:
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = spoils_every_session(error)
