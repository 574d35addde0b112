"""A sale's complete live state, written to Redis when the sale is created or rebuilt from the ledger."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Final

import orjson

from models.live.records import LiveIntent

PART: Final = 250  # entries that are written in one step


@dataclass(frozen=True, slots=True)
class LiveSnapshot:
    """A sale's complete live state when it is created, besides the epoch.

    A new sale has `settings` and `counters` only; a rebuild adds what the ledger knows of
    shoppers too: units by shopper, open holds and what is sold by intent (shopper, units), who stands by,
    and, by the journal, who stands in line and in the lobby, in their order. `seed`: of a draw to do.
    """

    settings: Mapping[str, str | int]
    counters: Mapping[str, int]
    units: Mapping[str, int] = field(default_factory=dict)
    holds: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    sold: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    standby: Sequence[LiveIntent] = ()
    line: Sequence[LiveIntent] = ()
    lobby: Sequence[LiveIntent] = ()
    seed: str = ""

    def pack(self) -> Iterator[bytes]:
        """Pack it for `load.lua`, in parts that take Redis a moment each; the settings come last."""
        everything = chain(
            (("units", user, str(units)) for user, units in self.units.items()),
            (("holds", *one) for one in _packed(self.holds)),
            (("sold", *one) for one in _packed(self.sold)),
            (("standby", one.intent_id, one.pack()) for one in self.standby),
            (("line", one.intent_id, one.pack()) for one in self.line),
            (("lobby", one.intent_id, f"{at}|{one.pack()}") for at, one in enumerate(self.lobby, 1)),
        )
        part = list(islice(everything, PART))
        while following := list(islice(everything, PART)):
            yield orjson.dumps(_by_name(part))
            part = following
        yield orjson.dumps({**_by_name(part), "state": self._state()})

    def _state(self) -> dict[str, str]:
        needs = [one.need for one in self.standby]
        state = dict(self.settings) | dict(self.counters)
        state |= {
            "open_holds": len(self.holds),
            "standby": len(needs),
            "standby_min_need": min(needs, default=0),
            "standby_max_need": max(needs, default=0),
        }
        if self.lobby:
            state["arrivals"] = len(self.lobby)
        if self.seed:
            state |= {"undrawn_until": len(self.lobby), "draw_seed": self.seed}
        return {name: str(value) for name, value in state.items()}


def _by_name(part: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {"units": {}, "holds": {}, "sold": {}, "standby": {}, "line": [], "lobby": {}}
    for name, key, value in part:
        if name == "line":  # whose order counts
            found[name] += [key, value]
        else:
            found[name][key] = value
    return found


def _packed(units: Mapping[str, tuple[str, int]]) -> Iterator[tuple[str, str]]:
    return ((intent, f"{user}|{number}") for intent, (user, number) in units.items())
