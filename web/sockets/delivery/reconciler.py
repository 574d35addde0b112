"""Finds lost messages: compares what shoppers were last told with what the stores say now.

A publication reaches only those who listen at that moment. So every two seconds, or less often where that
would cost more than a tenth of the time, the stores are asked about the tickets that were passed and the
orders that may move. What differs from what its owner was told, and still does at the next look, was lost:
it was not merely on its way.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar
from uuid import UUID

from models.enums import IntentStatus
from models.live.queries import Fate
from models.messages import Message
from tasks.context import Context
from tasks.intents.shopper_state import statuses_of_orders, stored_intents, stored_orders
from web.sockets.delivery.session_registry import SessionRegistry
from web.sockets.delivery.unresolved import INTENT, ORDER, UnresolvedItem
from web.sockets.metrics import RECOVERED

PERIOD_S: Final = 2.0
REST: Final = 9.0  # times what a look took, from its end to the next
BATCH: Final = 500  # ids a question

log = logging.getLogger(__name__)

T = TypeVar("T")
_Key = tuple[str, str, str]  # kind, id, and the status that its owner was told


class Reconciler:
    """Compares, again and again, what the shoppers here were told with the stores."""

    def __init__(
        self, context: Context, sessions: SessionRegistry, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._context = context
        self._sessions = sessions
        self._clock = clock
        self._pause_s = PERIOD_S
        self._suspects: set[_Key] = set()
        self._wake = threading.Event()

    def wake(self) -> None:
        """Let `run_once` return."""
        self._wake.set()

    def run_once(self) -> None:
        """Wait for the time, and look.

        Raises:
            Unavailable: a store is away; the next look finds what this one did not.
        """
        self._wake.wait(self._pause_s)
        self._wake.clear()
        began = self._clock()
        self.look()
        self._pause_s = max(PERIOD_S, REST * (self._clock() - began))

    def look(self) -> None:
        """Find what differs; tell again what differed at the last look already."""
        before, self._suspects = self._suspects, set()
        for sale_id, told in self._sessions.unresolved.of_sales(INTENT):
            differing = self._differing_intents(sale_id, self._present(INTENT, sale_id, told))
            self._settle(before, INTENT, sale_id, told, differing)
        for sale_id, told in self._sessions.unresolved.of_sales(ORDER):
            differing = self._differing_orders(self._present(ORDER, sale_id, told))
            self._settle(before, ORDER, sale_id, told, differing)

    def _present(
        self, kind: str, sale_id: UUID, told: dict[str, UnresolvedItem]
    ) -> dict[str, UnresolvedItem]:
        """Those whose owners have a socket here; the others are forgotten."""
        here = {one: item for one, item in told.items() if self._sessions.is_here(item.user_id)}
        for one in told.keys() - here.keys():
            self._sessions.unresolved.drop(kind, str(sale_id), one)
        return here

    def _differing_intents(self, sale_id: UUID, told: dict[str, UnresolvedItem]) -> Iterator[str]:
        if not told:
            return
        now_serving = self._context.live.now_serving(sale_id)
        passed = [one for one, item in told.items() if item.ticket <= now_serving]
        for batch in _batched(passed):
            for one, fate in self._context.live.fates_of(sale_id, batch).items():
                told_standby = told[one].status == IntentStatus.STANDBY
                if fate is Fate.SETTLED or (fate is Fate.STANDBY and not told_standby):
                    yield one

    def _differing_orders(self, told: dict[str, UnresolvedItem]) -> Iterator[str]:
        for batch in _batched(told):
            for one, status in statuses_of_orders(self._context, batch).items():
                if status != told[one].status:
                    yield one

    def _settle(
        self,
        before: set[_Key],
        kind: str,
        sale_id: UUID,
        told: dict[str, UnresolvedItem],
        differing: Iterable[str],
    ) -> None:
        """Note what differs now for the next look, and tell again what differed at the last one too."""
        lost = []
        for one in differing:
            key = (kind, one, told[one].status)
            if key in before:
                lost.append(one)
            else:
                self._suspects.add(key)
        for batch in _batched(lost):
            self._tell(kind, sale_id, {one: told[one].user_id for one in batch})

    def _tell(self, kind: str, sale_id: UUID, owners: dict[str, str]) -> None:
        with self._sessions.recording(set(owners.values())) as recorded:
            found = self._read(kind, list(owners))
            lost = [
                (owners[one], what, message)
                for one, news in found.items()
                for what, message in news
                if message["id"] not in recorded
            ]
            for user_id, what, message in lost:
                self._sessions.tell(user_id, what, message)
        if lost:
            RECOVERED.inc(len(lost))
            log.warning(
                "%d messages of sale %s were lost on their way and are told again", len(lost), sale_id
            )

    def _read(self, kind: str, ids: Sequence[str]) -> dict[str, list[tuple[str, Message]]]:
        if kind == ORDER:
            return {one: [(ORDER, order)] for one, order in stored_orders(self._context, ids).items()}
        return {
            one: [(INTENT, intent), *([(ORDER, order)] if order else [])]
            for one, (intent, order) in stored_intents(self._context, ids).items()
        }


def _batched(things: Iterable[T]) -> Iterator[list[T]]:
    left = iter(things)
    while batch := list(islice(left, BATCH)):
        yield batch
