"""Owns a sale's whole live state as it is laid down: for the first time, or anew from the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from models.live.records import LiveIntent


@dataclass(frozen=True, slots=True)
class World:
    """A sale's whole live state at its laying down, besides the epoch.

    For a first laying, `settings` and `counters` are all; a rebuild brings what the ledger knows of
    shoppers too: units by shopper, open holds and what is sold by intent (shopper, units), and who stands by.
    """

    settings: Mapping[str, str | int]
    counters: Mapping[str, int]
    units: Mapping[str, int] = field(default_factory=dict)
    holds: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    sold: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    standby: Sequence[LiveIntent] = ()

    def pack(self) -> bytes:
        """Write it as `load.lua` reads it."""
        needs = [one.need for one in self.standby]
        state = dict(self.settings) | dict(self.counters)
        state |= {
            "open_holds": len(self.holds),
            "standby": len(needs),
            "standby_min_need": min(needs, default=0),
            "standby_max_need": max(needs, default=0),
        }
        return orjson.dumps(
            {
                "state": {name: str(value) for name, value in state.items()},
                "units": {user: str(units) for user, units in self.units.items()},
                "holds": _packed(self.holds),
                "sold": _packed(self.sold),
                "standby": {one.intent_id: one.pack() for one in self.standby},
            }
        )


def _packed(units: Mapping[str, tuple[str, int]]) -> dict[str, str]:
    return {intent: f"{user}|{number}" for intent, (user, number) in units.items()}
