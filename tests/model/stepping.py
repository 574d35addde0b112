"""Logical workers: the platform's own functions, which pause before each store access until told to go on.

Each is a thread, and only one goes at a time, so that the scheduler decides on the whole order.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from models.database import Database

PATIENCE_S: Final = 60.0  # ends a test that hangs; it times nothing


class Killed(BaseException):
    """The process of this worker ends here."""


class Worker:
    """One call of the platform's code, that goes on from one access to a store to the next."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._goes_on = threading.Semaphore(0)
        self._has_halted = threading.Semaphore(0)
        self._is_killed = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.is_over = False

    def go_on(self) -> None:
        """Let it take its next step; raises what it failed with."""
        if self._thread.ident is None:
            self._thread.start()
        self._goes_on.release()
        if not self._has_halted.acquire(timeout=PATIENCE_S):
            raise TimeoutError("A logical worker hangs.")
        if self._error is not None:
            raise self._error

    def kill(self) -> None:
        """Let it end where it stands."""
        self._is_killed = True
        if self._thread.ident is None:
            self.is_over = True  # it never began
        elif not self.is_over:
            self.go_on()

    def halt(self) -> None:
        """Stand still until told to go on; called by the worker itself."""
        self._has_halted.release()
        self._goes_on.acquire()
        if self._is_killed:
            raise Killed

    def _run(self) -> None:
        self._goes_on.acquire()
        _present.worker = self
        try:
            self._work()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - it is raised where the worker was told to go on
            self._error = error
        self.is_over = True
        self._has_halted.release()


class _Present(threading.local):
    worker: Worker | None = None


_present: Final = _Present()


def halt() -> None:
    """Halt, if this is a logical worker."""
    if _present.worker is not None:
        _present.worker.halt()


@contextmanager
def undivided() -> Iterator[None]:
    """Do something in one step, as a logical worker or not."""
    worker, _present.worker = _present.worker, None
    try:
        yield
    finally:
        _present.worker = worker


class SteppingDatabase(Database):
    """The way to PostgreSQL for logical workers; transactions themselves are not divided."""

    def __init__(self, database: Database) -> None:
        self.__dict__.update(database.__dict__)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        halt()
        with super().transaction() as session:
            yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        halt()
        with super().connection() as connection:
            yield connection
