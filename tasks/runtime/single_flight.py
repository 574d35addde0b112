"""Single flight: of many callers that ask the same at once, one does the work, and all get its result.

No lock is held meanwhile, so that callers who ask something else do not wait.
"""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Flight(Generic[T]):
    """A call in progress."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.answers: list[T] = []
        self.error: Exception | None = None


class Flights(Generic[T]):
    """Calls in progress, by key. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Flight[T]] = {}

    def join(self, key: Hashable, ask: Callable[[], T]) -> T:
        """Return the result, or raise what the call raised, whichever caller makes it."""
        while True:
            with self._lock:
                flight = self._flights.get(key)
                is_mine = flight is None
                if flight is None:
                    flight = self._flights[key] = _Flight()
            if is_mine:
                return self._ask(key, flight, ask)
            flight.is_over.wait()
            if flight.error is not None:
                raise flight.error
            if flight.answers:
                return flight.answers[0]
            # The calling thread was stopped in the middle of it.

    def _ask(self, key: Hashable, flight: _Flight[T], ask: Callable[[], T]) -> T:
        try:
            flight.answers.append(ask())
        except Exception as error:
            flight.error = error
            raise
        finally:
            with self._lock:
                del self._flights[key]
            flight.is_over.set()
        return flight.answers[0]
