"""Holds answers until replicas have what they tell, so that a fail-over forgets nothing that was told."""

import threading
import time
from typing import Any, Final

import redis

from models.errors import NotReplicated, TooFewReplicas
from models.live.keys import TRIAL
from models.live.redis import Client, translated
from models.live.scripts import Scripts

WAIT_MS: Final = 200  # for the replicas; then there are too few
KNOWN_S: Final = 1.0  # how long it counts that they answered, or that they did not


class Replicas:
    """Asks that `required` replicas have what was written. With 0 nothing is asked or waited for.

    Redis' WAIT goes in the same round trip as the script. Where too few answered, callers are refused before
    they write, at once, and the replicas are asked again once a second.
    """

    def __init__(self, client: Client, required: int) -> None:
        self._client = client
        self.required = required
        self._known_until = self._refused_until = 0.0  # monotonic seconds
        self._lock = threading.Lock()

    def require(self) -> None:
        """Make sure that there are enough; asks the replicas unless they answered within a second.

        Raises:
            TooFewReplicas: there are not; nothing was done.
            LineUnavailable: there was no answer.
        """
        if self.required == 0 or time.monotonic() < self._known_until:
            return
        with self._lock:
            now = time.monotonic()
            if now >= self._known_until and (now < self._refused_until or not self._answer()):
                raise TooFewReplicas(f"Fewer than {self.required} replicas answer.")

    def require_known(self) -> None:
        """Make sure that the replicas have all that was written before.

        Raises:
            NotReplicated: too few have it.
            LineUnavailable: there was no answer.
        """
        if self.required and not self._answer():
            raise NotReplicated(f"Fewer than {self.required} replicas answer.")

    def run(self, scripts: Scripts, verb: str, keys: list[str], args: list[Any]) -> Any:
        """Run a script, and wait until the replicas have what it wrote.

        Raises:
            NotReplicated: it was done, and too few replicas have it.
            LineRefused, LineUnavailable: as `Scripts.run` does.
        """
        if self.required == 0:
            return scripts.run(verb, keys, args)
        reply, have = scripts.run_and_wait(verb, keys, args, self.required, WAIT_MS)
        if not self._note(have):
            raise NotReplicated(f"Fewer than {self.required} replicas have it.")
        return reply

    def _answer(self) -> bool:
        """Write something, and see whether the replicas have it: WAIT is about a connection's own writes."""
        with translated():
            pipeline = self._client.pipeline(transaction=False)
            pipeline.set(TRIAL, 1, px=1)
            pipeline.wait(self.required, WAIT_MS)
            _, have = pipeline.execute()
        return self._note(have)

    def _note(self, have: int | redis.RedisError) -> bool:
        is_enough = isinstance(have, int) and have >= self.required
        until = time.monotonic() + KNOWN_S
        self._known_until, self._refused_until = (until, 0.0) if is_enough else (0.0, until)
        return is_enough
