"""Finds when a sale really opened and ended, and counts seconds from there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from models.enums import SaleStatus
from models.messages import Message, rfc3339

OVER: Final = (SaleStatus.ENDED, SaleStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class Times:
    """When a sale opened and ended; none of a sale that did not (yet)."""

    opens_at: datetime
    opened_at: datetime | None
    ended_at: datetime | None

    @property
    def counted_from(self) -> datetime:
        """What seconds are counted from: the opening, or its planned time."""
        return self.opened_at or self.opens_at

    def since_opening(self, at: datetime | None) -> float | None:
        """Count the seconds from the opening to another time, to the millisecond."""
        return round((at - self.counted_from).total_seconds(), 3) if at else None

    def as_message(self) -> Message:
        """Return the times as plain data."""
        told = {"opened_at": self.opened_at, "ended_at": self.ended_at, "counted_from": self.counted_from}
        return {name: rfc3339(at) if at else None for name, at in told.items()}


def times_of(sale: Mapping[str, Any], intents: Mapping[str, Any]) -> Times:
    """Find when a sale opened: by an admin, else on time; and not after the first intent that was served.

    A sale without a lobby accepts nobody before it opens. Its end is found in the same way.
    """
    opened = sale["opened_by_hand_at"] or sale["opens_at"]
    served = intents["first_served_at"] or opened
    came = intents["first_at"] or opened if sale["lobby_opens_at"] is None else opened
    is_over = sale["status"] in OVER
    ended = min(filter(None, (sale["ended_by_hand_at"], sale["closes_at"], sale["drained_at"])))
    opened = min(opened, served, came, sale["now"])
    never_opened = sale["status"] == SaleStatus.SCHEDULED or (is_over and ended < opened)
    return Times(
        opens_at=sale["opens_at"],
        opened_at=None if never_opened else opened,
        ended_at=ended if is_over else None,
    )
