"""Remembers what shoppers here were told last and is not final: undecided intents, orders that may change.

Only that is remembered, and only while one of the shopper's sockets is open; and the orders that ended last,
since messages about their beginning may be late.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from models.enums import IntentStatus, OrderStatus
from models.messages import Message

INTENT: Final = "intent"
ORDER: Final = "order"
MOST_ENDED: Final = 10_000  # orders; older messages about one come within seconds
_OPEN: Final[dict[str, frozenset[str]]] = {
    INTENT: frozenset({IntentStatus.WAITING, IntentStatus.QUEUED, IntentStatus.STANDBY}),
    ORDER: frozenset({OrderStatus.HELD, OrderStatus.PAYING, OrderStatus.PAID}),
}


@dataclass(frozen=True, slots=True)
class UnresolvedItem:
    """What a shopper was told last of an intent (with its ticket) or order (with its count of changes)."""

    user_id: str
    status: str
    ticket: int
    changes: int = 0


class UnresolvedState:
    """By kind and sale: the id of each intent or order, and what its owner was told."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], dict[str, UnresolvedItem]] = {}
        self._ended: OrderedDict[str, int] = OrderedDict()  # an order's id → how many changes it had

    def __len__(self) -> int:
        return sum(map(len, self._told.values()))

    def note(self, user_id: str, kind: str, message: Message) -> None:
        """Remember what a shopper is told; forget it where it is final."""
        sale_id, status = message.get("sale_id"), message.get("status")
        if sale_id is None or status is None:
            return
        if status in _OPEN[kind]:
            item = UnresolvedItem(user_id, status, message.get("ticket") or 0, _changes_of(message))
            self._told.setdefault((kind, sale_id), {})[message["id"]] = item
        else:
            self.drop(kind, sale_id, message["id"])
            if kind == ORDER:
                self._note_end(message)

    def is_old(self, kind: str, message: Message) -> bool:
        """Whether its shopper was told a newer state: publications about one order may overtake each other.

        An order's history only grows.
        """
        told = self._told.get((kind, message.get("sale_id", "")), {}).get(message["id"])
        changes = told.changes if told is not None else self._ended.get(message["id"], 0)
        return _changes_of(message) < changes

    def _note_end(self, message: Message) -> None:
        self._ended[message["id"]] = _changes_of(message)
        self._ended.move_to_end(message["id"])
        if len(self._ended) > MOST_ENDED:
            self._ended.popitem(last=False)

    def drop(self, kind: str, sale_id: str, thing_id: str) -> None:
        """Forget one."""
        told = self._told.get((kind, sale_id))
        if told is not None:
            told.pop(thing_id, None)
            if not told:
                del self._told[kind, sale_id]

    def of_sales(self, kind: str) -> Iterator[tuple[UUID, dict[str, UnresolvedItem]]]:
        """What is remembered of a kind, sale by sale; a copy."""
        for (known, sale_id), told in list(self._told.items()):
            if known == kind:
                yield UUID(sale_id), dict(told)


def _changes_of(message: Message) -> int:
    return len(message.get("history", ()))
