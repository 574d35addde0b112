"""Chooses which face a sale's page shows until its script, `static/js/sale/phases.js`, knows more."""

from datetime import datetime
from typing import Any

from models.enums import SaleStatus


def entry_of(sale: dict[str, Any]) -> str:
    """Name the face for a visitor whom nothing is known of."""
    match sale["status"]:
        case SaleStatus.OPEN:
            return "log_in"
        case SaleStatus.SCHEDULED:
            return _entry_of_lobby(sale)
        case SaleStatus.PAUSED:
            return "paused"
        case _:
            return "over"


def _entry_of_lobby(sale: dict[str, Any]) -> str:
    opens_at, server_time = sale["lobby_opens_at"], sale["server_time"]
    if opens_at is None or datetime.fromisoformat(server_time) < datetime.fromisoformat(opens_at):
        return "coming"
    return "log_in"
