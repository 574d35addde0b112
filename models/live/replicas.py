"""Holds answers until replicas have what they tell, so that a fail-over forgets nothing that was told."""

import threading
import time
from collections import defaultdict
from typing import Any, Final
from uuid import UUID

import redis

from models.enums import SaleStatus
from models.errors import NotReplicated, TooFewReplicas
from models.live.connection.masters import address_of, at_master
from models.live.connection.slots import Address
from models.live.keys import SaleKeys
from models.live.redis import Client, translated
from models.live.scripts import Scripts

WAIT_MS: Final = 200  # for the replicas; then there are too few
KNOWN_S: Final = 1.0  # how long it counts that they answered, or that they did not


class Replicas:
    """Asks that `required` replicas have what was written. With 0 nothing is asked or waited for.

    Redis' WAIT goes in the same round trip as the script. Where too few answered, callers are refused before
    they write, at once, and the replicas are asked again once a second. In a cluster it is each master's own.
    """

    def __init__(self, client: Client, required: int) -> None:
        self._client = client
        self.required = required
        self._known_until: dict[Address | None, float] = {}  # monotonic seconds, of each server
        self._refused_until: dict[Address | None, float] = {}
        self._locks: defaultdict[Address | None, threading.Lock] = defaultdict(threading.Lock)

    def require(self, sale_id: UUID) -> None:
        """Make sure that a sale has enough; asks the replicas unless they answered within a second.

        Raises:
            TooFewReplicas: there are not; nothing was done.
        """
        if self.required:
            self.require_at(SaleKeys.of(sale_id).trial)

    def require_at(self, trial: str) -> None:
        """Make sure of it at the server of a key that is there to be written to; raises as `require` does."""
        if self.required == 0:
            return
        server = self._server_of(trial)
        if time.monotonic() < self._known_until.get(server, 0.0):
            return
        with self._locks[server]:
            now = time.monotonic()
            if now < self._known_until.get(server, 0.0):
                return
            if now < self._refused_until.get(server, 0.0) or not self._answer(trial):
                raise TooFewReplicas(f"Fewer than {self.required} replicas answer.")

    def require_known(self, sale_id: UUID) -> None:
        """Make sure that the replicas have all that was written to a sale before.

        Raises:
            NotReplicated: too few have it.
        """
        if self.required and not self._answer(SaleKeys.of(sale_id).trial):
            raise NotReplicated(f"Fewer than {self.required} replicas answer.")

    def kept_ticket(self, sale_id: UUID) -> int:
        """Tell the last ticket of a line that enough replicas have; -1 where none are asked for.

        0 where they do not answer, and before the opening, when numbers of the lobby may be given again.

        Raises:
            LineUnavailable: there was no answer.
        """
        if self.required == 0:
            return -1
        keys = SaleKeys.of(sale_id)
        if time.monotonic() < self._refused_until.get(self._server_of(keys.trial), 0.0):
            return 0
        is_kept, (ticket, status) = self._answer_and_read(keys.trial, keys.state, "last_ticket", "status")
        return int(ticket or 0) if is_kept and status != SaleStatus.SCHEDULED else 0

    def run(self, scripts: Scripts, verb: str, keys: list[str], args: list[Any]) -> Any:
        """Run a script, and wait until the replicas have what it wrote.

        Raises:
            NotReplicated: it was done, and too few replicas have it.
            LineRefused, LineUnavailable: as `Scripts.run` does.
        """
        if self.required == 0:
            return scripts.run(verb, keys, args)
        reply, have = scripts.run_and_wait(verb, keys, args, self.required, WAIT_MS)
        if not self._note(keys[0], have):
            raise NotReplicated(f"Fewer than {self.required} replicas have it.")
        return reply

    def _answer(self, trial: str) -> bool:
        """Write something, and see whether the replicas have it: WAIT is about a connection's own writes."""
        return self._answer_and_read(trial)[0]

    def _answer_and_read(self, trial: str, key: str = "", *fields: str) -> tuple[bool, list[str | None]]:
        """See the same, and read fields of a hash as they were before that."""

        def ask(server: Client) -> list[Any]:
            pipeline = server.pipeline(transaction=False)
            if fields:
                pipeline.hmget(key, list(fields))
            pipeline.set(trial, 1, px=1)
            pipeline.wait(self.required, WAIT_MS)
            return pipeline.execute()

        with translated():
            *read, _, have = at_master(self._client, trial, ask)
            return self._note(trial, have), read[0] if read else []

    def _note(self, key: str, have: int | redis.RedisError) -> bool:
        is_enough = isinstance(have, int) and have >= self.required
        server, until = self._server_of(key), time.monotonic() + KNOWN_S
        self._known_until[server], self._refused_until[server] = (until, 0.0) if is_enough else (0.0, until)
        return is_enough

    def _server_of(self, key: str) -> Address | None:
        with translated():
            return address_of(self._client, key)
