"""One question at a time: of many who want to know the same at once, one asks, and all get what comes out.

Nobody holds a lock meanwhile, so that whoever wants to know something else is not kept waiting.
"""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Flight(Generic[T]):
    """A question that is being asked."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.answers: list[T] = []
        self.error: Exception | None = None


class Flights(Generic[T]):
    """Questions under way, by key. Shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Flight[T]] = {}

    def join(self, key: Hashable, ask: Callable[[], T]) -> T:
        """Return the answer, or raise what asking raised, whichever caller asks."""
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
            # The one who asked was stopped in the middle of it.

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
