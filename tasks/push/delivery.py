"""Sends pushes that are due: leased, posted many at a time, and noted; for a limited time.

One thread of a process does so, however often the bell rings. What hangs takes one place of many until its
time is over; the others come and go past it, and no transaction is open meanwhile.
"""

import asyncio
import threading
import time
from collections.abc import Collection
from typing import Final

import structlog

from config import PushSettings
from models.database import Database
from tasks.push.endpoints import origin_of
from tasks.push.outbox import Taken, Tried, has_due, note_tried, take_up
from tasks.push.posting import TIMEOUT_S, Posts, Signer
from tasks.runtime.tallies import Counts

AT_ONCE: Final = 100  # posts of a process
SLICE_S: Final = 5.0  # after which nothing more is leased
GATHERED_S: Final = 0.02  # that what is finished waits for others, so that they are noted together

log: Final = structlog.get_logger()

_Flying = set[asyncio.Task[Tried]]


class Pusher:
    """Sends what is in the outbox of pushes."""

    def __init__(
        self,
        database: Database,
        settings: PushSettings,
        *,
        spares_loopback: bool,
        timeout_s: float = TIMEOUT_S,
        slice_s: float = SLICE_S,
    ) -> None:
        """Connects to nothing yet."""
        self._database = database
        self._signer = Signer(settings)
        self._spares_loopback = spares_loopback
        self._timeout_s = timeout_s
        self._slice_s = slice_s
        self._place = threading.Lock()

    def has_due(self) -> bool:
        """Return whether there is a push to send."""
        with self._database.transaction() as session:
            return has_due(session)

    def deliver(self) -> int:
        """Send what is due; returns how many pushes were taken. Does nothing if another thread is at it.

        Raises:
            LedgerUnavailable: PostgreSQL is unavailable; what was leased is sent again after its lease.
        """
        if not self._place.acquire(blocking=False):
            return 0
        try:
            return asyncio.run(self._deliver(time.monotonic() + self._slice_s))
        finally:
            self._place.release()

    async def _deliver(self, until: float) -> int:
        posts = Posts(
            self._signer,
            at_once=AT_ONCE,
            spares_loopback=self._spares_loopback,
            timeout_s=self._timeout_s,
        )
        try:
            return await self._keep_flying(posts, until)
        finally:
            await posts.close()

    async def _keep_flying(self, posts: Posts, until: float) -> int:
        flying: _Flying = set()
        origins: dict[asyncio.Task[Tried], str] = {}
        sent = 0
        while True:
            if time.monotonic() < until:
                for taken in self._take_up(AT_ONCE - len(flying)):
                    flight = asyncio.create_task(posts.post(taken))
                    origins[flight] = origin_of(taken.browser.endpoint)
                    flying.add(flight)
            if not flying:
                return sent
            landed, flying = await self._land(flying)
            sent += self._note([(flight.result(), origins.pop(flight)) for flight in landed])

    async def _land(self, flying: _Flying) -> tuple[_Flying, _Flying]:
        await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(GATHERED_S)
        landed = {flight for flight in flying if flight.done()}
        return landed, flying - landed

    def _take_up(self, limit: int) -> list[Taken]:
        if limit <= 0:
            return []
        with self._database.transaction() as session:
            return take_up(session, limit)

    def _note(self, landed: Collection[tuple[Tried, str]]) -> int:
        """Note what became of some; returns how many were sent."""
        with self._database.transaction() as session:
            counts = Counts()
            given_up = {tried.message.id for tried, _ in landed if note_tried(session, counts, tried)}
            counts.write(session)
        for tried, origin in landed:
            _tell(tried, origin, is_given_up=tried.message.id in given_up)
        return sum(tried.error is None for tried, _ in landed)


def _tell(tried: Tried, origin: str, *, is_given_up: bool) -> None:
    """Log what did not arrive. The rest of the address is a secret."""
    if tried.error is None:
        return
    about = {"push_id": str(tried.message.id), "kind": tried.message.kind, "service": origin}
    if tried.is_gone:
        log.info("push_browser_gone", **about)
    elif is_given_up:
        log.warning("push_given_up", **about, error=tried.error)
    else:
        log.info("push_put_off", **about, error=tried.error, tries=tried.message.attempts)
