"""Which status of an order may follow which, as documented."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

LEGAL: Final = frozenset(
    {
        ("held", "paying"),
        ("held", "expired"),
        ("held", "cancelled"),
        ("paying", "held"),
        ("paying", "paid"),
        ("expired", "paid"),
        ("paid", "refunded"),
    }
)
# Written into a history with the status that the order has anyway.
CAME_LATE: Final = frozenset({"paid_too_late", "paid_twice"})
WENT_BACK: Final = frozenset({"late_payment_refunded", "second_payment_refunded"})
HELD_AGAIN: Final = "held_again"
NOTES: Final = CAME_LATE | WENT_BACK


def changes_of(order: dict[str, Any]) -> list[dict[str, Any]]:
    """List an order's changes of status: its history without the mere notes."""
    return [step for step in order["history"] if step.get("reason") not in NOTES]


def reasons_of(order: dict[str, Any]) -> list[str]:
    """List the reasons in an order's history."""
    return [step["reason"] for step in order["history"] if step.get("reason")]


def leads_to(before: str, after: str) -> bool:
    """Whether an order may come from one status to another, on any way, or stay."""
    return after in _reachable[before]


def is_a_way(statuses: Sequence[str]) -> bool:
    """Whether these statuses may follow each other, step by step."""
    return all(pair in LEGAL for pair in pairwise(statuses))


def _reach(start: str) -> frozenset[str]:
    found, fresh = {start}, {start}
    while fresh:
        fresh = {after for before, after in LEGAL if before in fresh} - found
        found |= fresh
    return frozenset(found)


_reachable: Final = {status: _reach(status) for pair in LEGAL for status in pair}
