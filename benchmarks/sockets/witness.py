"""The moments at which a sale's changes are published, as another listener to its channel sees them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from models.live.keys import SaleKeys
from models.live.redis import connect

WAIT_S: Final = 0.2  # for a message; then it is looked whether to stop


class Witness:
    """Listens in a thread of its own. Its moments are late by as long as the machine lets it wait."""

    def __init__(self, redis_url: str, sale_id: str) -> None:
        self._client = connect(redis_url, max_connections=2)
        self._pubsub = self._client.pubsub()  # type: ignore[no-untyped-call]
        self._pubsub.subscribe(SaleKeys.of(UUID(sale_id)).live_channel)
        self._pubsub.get_message(timeout=5)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="witness", daemon=True)
        self.published_ns: list[int] = []

    def first_after(self, at_ns: int) -> int | None:
        """The first publication at or after a moment of `time.monotonic_ns`."""
        return next((one for one in self.published_ns if one >= at_ns), None)

    @contextmanager
    def listening(self) -> Iterator["Witness"]:
        """Listen for as long as this lasts."""
        self._thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            self._thread.join()
            self._pubsub.close()
            self._client.close()

    def _listen(self) -> None:
        while not self._is_over.is_set():
            message = self._pubsub.get_message(timeout=WAIT_S)
            if message is not None and message["type"] == "message":
                self.published_ns.append(time.monotonic_ns())
