"""Chooses which face a sale's page shows first; `static/js/phases.js` does the same afterwards."""

from datetime import datetime
from typing import Any

from models.enums import VERDICTS, IntentStatus, SaleStatus

LINE = "line"
UNDECIDED = frozenset(set(IntentStatus) - VERDICTS)


def phase_of(sale: dict[str, Any], intent: dict[str, Any] | None, *, is_signed_in: bool) -> str:
    """Name the face: a place in line or a verdict where there is one, otherwise what the sale allows."""
    if intent is not None:
        return LINE if intent["status"] in UNDECIDED else str(intent["status"])
    return entry_of(sale, is_signed_in=is_signed_in)


def entry_of(sale: dict[str, Any], *, is_signed_in: bool) -> str:
    """Name the face for a visitor who stands in no line."""
    match sale["status"]:
        case SaleStatus.OPEN:
            return "buy" if is_signed_in else "log_in"
        case SaleStatus.SCHEDULED:
            return _entry_of_lobby(sale, is_signed_in=is_signed_in)
        case SaleStatus.PAUSED:
            return "paused"
        case _:
            return "over"


def _entry_of_lobby(sale: dict[str, Any], *, is_signed_in: bool) -> str:
    opens_at, server_time = sale["lobby_opens_at"], sale["server_time"]
    if opens_at is None or datetime.fromisoformat(server_time) < datetime.fromisoformat(opens_at):
        return "coming"
    return "buy" if is_signed_in else "log_in"
