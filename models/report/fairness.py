"""The part of a report that comes from an audit: its verdict, and figures on how fair the sale was."""

from typing import Any, Final

from models.audit import Audit
from models.messages import Message, money, rfc3339_ms

_MONEY: Final = ("charged", "refunded", "undecided")


def fairness_of(audit: Audit, order: str) -> Message:
    """Describe how fair the line was: who was passed over or overtaken, and how the lobby was drawn.

    The audit counts the inversions that it shows, which is all of them unless there are many.
    """
    fifo, draw = _figures(audit, "fifo"), _figures(audit, "draw_repeats")
    is_drawn = bool(draw.get("drawn"))
    return {
        "order": order,
        "fifo_inversions": fifo.get("refused", 0) + fifo.get("overtaken", 0),
        "draw": {
            "seed": draw["seed"],
            "seed_sha256": draw["seed_sha256"],
            "lobby": draw["lobby"],
            "repeats": _is_ok(audit, "draw_repeats"),
        }
        if is_drawn
        else None,
    }


def audit_of(audit: Audit, currency: str) -> Message:
    """Return the verdict of each invariant, and all charges beside all refunds."""
    sums = _figures(audit, "money_adds_up")
    return {
        "ok": audit.ok,
        "in_flight": audit.in_flight,
        "checked_at": rfc3339_ms(audit.checked_at_ms),
        "checks": [{"name": check.name, "ok": check.ok} for check in audit.checks],
        "money": {name: money(sums.get(f"{name}_minor", 0), currency) for name in _MONEY},
    }


def _figures(audit: Audit, name: str) -> dict[str, Any]:
    return next((check.figures for check in audit.checks if check.name == name), {})


def _is_ok(audit: Audit, name: str) -> bool:
    return all(check.ok for check in audit.checks if check.name == name)
