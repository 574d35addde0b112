"""Compares two reports: each figure with difference and ratio, the time series side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from models.messages import Message, money
from models.report.series import Series, same_step

HEAD: Final = ("sale_id", "is_final", "made_at", "settings", "times")


class Kind(StrEnum):
    """What a figure counts."""

    COUNT = "count"
    MONEY = "money"
    MS = "ms"
    SECONDS = "seconds"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a report, by its path in there."""

    path: str
    kind: Kind = Kind.COUNT

    def of(self, report: Mapping[str, Any]) -> Any:
        """Read it; None if a report has none."""
        found: Any = report
        for name in self.path.split("."):
            found = found[name]
        return found


def _all(group: str, names: str, kind: Kind = Kind.COUNT) -> tuple[Figure, ...]:
    return tuple(Figure(f"{group}.{name}", kind) for name in names.split())


FIGURES: Final = (
    *_all("funnel", "intents decided held payment_begun paid refunded expired cancelled"),
    *_all("funnel", "sold_out rejected left"),
    *_all("units", "allocation asked granted paid refunded expired cancelled sold"),
    Figure("units.demand_ratio", Kind.RATIO),
    *_all("revenue", "gross refunded net average_order", Kind.MONEY),
    *_all("shoppers", "asked granted paid"),
    *_all("spreads_ms.to_verdict", "p50 p90 p99 max", Kind.MS),
    *_all("spreads_ms.on_standby", "p50 p90 p99 max", Kind.MS),
    *_all("spreads_ms.hold_to_paid", "p50 p90 p99 max", Kind.MS),
    *_all("seconds_from_opening", "first_hold all_taken last_verdict last_paid", Kind.SECONDS),
    Figure("fairness.fifo_inversions"),
)


def compare(a: Message, b: Message) -> Message:
    """Compare two reports. A difference is b less a, a ratio b by a."""
    return {
        "a": {name: a[name] for name in HEAD},
        "b": {name: b[name] for name in HEAD},
        "figures": [_compared(figure, a, b) for figure in FIGURES],
        "series": _side_by_side(Series.read(a["series"]), Series.read(b["series"])),
    }


def _compared(figure: Figure, a: Message, b: Message) -> Message:
    one, other = figure.of(a), figure.of(b)
    return {
        "name": figure.path,
        "kind": figure.kind,
        "a": one,
        "b": other,
        "difference": _difference(one, other),
        "ratio": _ratio(_plain(one), _plain(other)) if _are_comparable(one, other) else None,
    }


def _plain(value: Any) -> Any:
    return value["amount_minor"] if isinstance(value, Mapping) else value


def _are_comparable(one: Any, other: Any) -> bool:
    """Return whether both are there and, if money, of the same currency."""
    if one is None or other is None:
        return False
    return not isinstance(one, Mapping) or one["currency"] == other["currency"]


def _difference(one: Any, other: Any) -> Any:
    if not _are_comparable(one, other):
        return None
    if isinstance(one, Mapping):
        return money(other["amount_minor"] - one["amount_minor"], one["currency"])
    return round(other - one, 4)


def _ratio(one: float, other: float) -> float | None:
    return round(other / one, 4) if one else None


def _side_by_side(one: Series, other: Series) -> Message:
    """Align both series at every second at which one of them has a row, counted from each sale's opening."""
    one, other = same_step(one, other)
    seconds = sorted({row[0] for row in one.rows} | {row[0] for row in other.rows})
    return {
        "bucket_seconds": one.bucket_seconds,
        "seconds": seconds,
        "a": one.aligned(seconds),
        "b": other.aligned(seconds),
    }
