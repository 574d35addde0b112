"""A queue of work in which the networks that ask take turns, however much each of them asks."""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """A queue for each asker, such as a network; the queues take turns, and each keeps its order."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[T]] = {}  # whose turn is next comes first

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, who: str, work: T) -> None:
        """Add work to an asker's queue."""
        queue = self._waiting.get(who)
        if queue is None:
            queue = self._waiting[who] = deque()
        queue.append(work)

    def take(self) -> T:
        """Take the next work; there must be some."""
        who = next(iter(self._waiting))
        queue = self._waiting.pop(who)
        work = queue.popleft()
        if queue:
            self._waiting[who] = queue
        return work
