"""Makes a process's pusher: the libraries that encrypt and post are imported only where there are keys."""

from typing import TYPE_CHECKING

from config import Settings
from models.database import Database

if TYPE_CHECKING:
    from tasks.push.delivery import Pusher


def start_pusher(database: Database, settings: Settings) -> "Pusher | None":
    """Begin to push, where that is configured."""
    if settings.push is None:
        return None
    from tasks.push.delivery import Pusher

    return Pusher(database, settings.push, spares_loopback=not settings.is_production)
