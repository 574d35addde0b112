"""Notes in Redis, once a second, which verdicts sockets of this process heard: others are told by mail."""

import threading
from collections import defaultdict
from typing import Final
from uuid import UUID

from models.enums import VERDICTS
from models.messages import Message
from tasks.context import Context

PERIOD_S: Final = 1.0
AT_ONCE: Final = 5_000  # verdicts in one command
_VERDICTS: Final = frozenset(str(one) for one in VERDICTS)


class Heard:
    """What was told since the last note. Notes nothing where nobody is mailed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._is_on = context.settings.can_tell
        self._told: dict[str, list[str]] = defaultdict(list)
        self._wake = threading.Event()

    def add(self, kind: str, message: Message) -> None:
        """Take in what a socket of its owner was told."""
        if self._is_on and kind == "intent" and message["status"] in _VERDICTS:
            self._told[message["sale_id"]].append(message["id"])

    def wake(self) -> None:
        """Let `run_once` return: the process stops."""
        self._wake.set()

    def run_once(self) -> None:
        """Wait for the time, and note what was told. What cannot be noted is mailed too: it is not kept."""
        self._wake.wait(PERIOD_S)
        told, self._told = self._told, defaultdict(list)
        for sale_id, intent_ids in told.items():
            for first in range(0, len(intent_ids), AT_ONCE):
                self._context.live.heard.note(UUID(sale_id), intent_ids[first : first + AT_ONCE])
