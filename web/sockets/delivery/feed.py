"""The process's one Redis subscription: kept up, with its gaps reported. It does not know who listens."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import redis

from models.live.keys import CATALOGUE, LIVE_CHANNELS, VERDICT_CHANNELS, sale_of_channel
from models.live.redis import connect
from web.sockets.metrics import FEED_LOST

CHANNELS: Final = (LIVE_CHANNELS, VERDICT_CHANNELS, CATALOGUE)
PING_S: Final = 1.0  # without a message for so long, Redis is pinged
ANSWER_S: Final = 1.5  # for its answer: a connection that died silently is noticed
FIRST_PAUSE_S: Final = 0.1  # doubled at each failure
LONGEST_PAUSE_S: Final = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listener:
    """What to call when something was said, or may have been missed up to now.

    A sale changed, with the word of it; verdicts came; a product changed or a sale is new; there was a gap.
    """

    on_live: Callable[[UUID, str], None]
    on_verdicts: Callable[[str], None]
    on_catalogue: Callable[[], None]
    on_gap: Callable[[], None]


class Feed:
    """Listens until it is stopped, whatever happens to Redis."""

    def __init__(self, url: str, listener: Listener) -> None:
        self._url = url
        self._listener = listener
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let `run` end. The flag is looked at between two messages: nothing is interrupted."""
        self._stopped.set()

    def run(self) -> None:
        """Subscribe, listen, and begin again when Redis went away."""
        pause_s = FIRST_PAUSE_S
        while not self._stopped.is_set():
            try:
                for _ in self._listen():
                    pause_s = FIRST_PAUSE_S
            except (redis.RedisError, OSError) as error:
                FEED_LOST.inc()
                log.warning("the subscription to Redis is lost: %s", error)
            self._stopped.wait(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads, hides nothing
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _listen(self) -> Any:
        """Subscribe, report the gap, and pass messages on; yields once it is subscribed."""
        client = connect(self._url, max_connections=1)
        pubsub = client.pubsub()  # type: ignore[no-untyped-call]
        try:
            pubsub.psubscribe(*CHANNELS)
            asked_at = 0.0  # 0: nothing is asked
            while not self._stopped.is_set():
                message = pubsub.get_message(timeout=PING_S)
                if message is not None:
                    asked_at = 0.0
                    if message["type"] == "psubscribe" and message["data"] == len(CHANNELS):
                        self._listener.on_gap()
                        yield
                    elif message["type"] == "pmessage":
                        self._pass_on(message["channel"], message["data"])
                elif not asked_at:
                    asked_at = time.monotonic()
                    pubsub.ping()
                elif time.monotonic() - asked_at > ANSWER_S:
                    raise redis.ConnectionError("Redis is silent")
        finally:
            pubsub.close()
            client.close()

    def _pass_on(self, channel: str, data: str) -> None:
        try:
            if channel.endswith(":live"):
                self._listener.on_live(UUID(sale_of_channel(channel)), data)
            elif channel == CATALOGUE:
                self._listener.on_catalogue()
            else:
                self._listener.on_verdicts(data)
        except Exception:
            log.exception("a message of %s could not be passed on", channel)
