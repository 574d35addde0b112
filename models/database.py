"""Owns the way to PostgreSQL: the engine, transactions, and the translation of the driver's errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from models.errors import LedgerUnavailable
from models.rows import metadata

CONNECT_TIMEOUT_S: Final = 3
STATEMENT_TIMEOUT_MS: Final = 15_000
POOL_WAIT_S: Final = 5


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
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_S,
            pool_pre_ping=False,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_S,
                "application_name": application_name,
                "options": f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS}",
            },
        )
        self.metadata = metadata  # naming it loads every table, so that foreign keys find theirs
        self._sessions = sessionmaker(self.engine, expire_on_commit=False, info=dict(info or {}))

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session in one transaction: committed at the end, rolled back on any error.

        Raises:
            LedgerUnavailable: PostgreSQL cannot be reached, or went away in between. Whether a commit
                that was under way took place is then unknown; callers are idempotent.
        """
        with translated(), self._sessions.begin() as session:
            yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """The same on a bare connection, for set-based statements."""
        with translated(), self.engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close every pooled connection, e.g. after a fork."""
        self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's words for «PostgreSQL is not there» into the domain's."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise LedgerUnavailable(str(error)) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise LedgerUnavailable(str(error)) from error
        raise
