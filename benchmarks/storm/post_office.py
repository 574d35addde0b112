"""The sending of a storm's letters over several connections at the same time, and what was answered."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.client.http import HttpPool, Tries, persist
from benchmarks.client.http_wire import Response
from benchmarks.storm.letters import GENUINE, Letter

NO_ANSWER: Final = 0  # the status of a letter that nobody answered before the deadline


@dataclass(frozen=True, slots=True)
class Posted:
    """A letter that was sent. Times are `time.monotonic_ns`; `sent_ns` is that of the last try."""

    letter: Letter
    status: int
    sent_ns: int
    answered_ns: int
    resent: int

    @property
    def is_as_expected(self) -> bool:
        """The shop answered what it must."""
        return self.status in self.letter.expected


class PostOffice:
    """Sends letters as providers do: again, until somebody answers who is not too busy."""

    def __init__(self, pool: HttpPool, on_posted: Callable[[int], None]) -> None:
        self._pool = pool
        self._on_posted = on_posted
        self._waiting: asyncio.Queue[Letter] = asyncio.Queue()
        self._carriers: list[asyncio.Task[None]] = []
        self._began_s = 0.0
        self._under_way = 0
        self.posted: list[Posted] = []
        self.taken: list[str] = []  # ids of genuine events, each as often as it was taken
        self.handed_in = 0
        self.busy_s = 0.0  # seconds in which letters were on their way

    def open(self, connections: int, deadline: float) -> None:
        """Begin to carry, over so many connections; what nobody takes is given up at the deadline."""
        self._carriers = [asyncio.create_task(self._carry(deadline)) for _ in range(connections)]

    def hand_in(self, letters: Sequence[Letter]) -> None:
        """Have letters sent, in this order, as many at once as there are connections."""
        for letter in letters:
            self._waiting.put_nowait(letter)
        self.handed_in += len(letters)

    @property
    def is_idle(self) -> bool:
        """Every letter that was handed in was answered, or given up.

        Raises:
            Exception: what broke a carrier.
        """
        for carrier in self._carriers:
            if carrier.done():
                carrier.result()
        return self.handed_in == len(self.posted)

    async def close(self) -> None:
        """Wait for all answers, and carry nothing more.

        Raises:
            Exception: what broke a carrier.
        """
        waiting = asyncio.create_task(self._waiting.join())
        done, _ = await asyncio.wait([waiting, *self._carriers], return_when=asyncio.FIRST_COMPLETED)
        for task in {waiting, *self._carriers} - done:
            task.cancel()
        for task in done:
            task.result()

    async def _carry(self, deadline: float) -> None:
        while True:
            letter = await self._waiting.get()
            if self._under_way == 0:
                self._began_s = time.monotonic()
            self._under_way += 1
            posted = await self._post(letter, deadline)
            self._under_way -= 1
            if self._under_way == 0 and self._waiting.empty():
                self.busy_s += time.monotonic() - self._began_s
            self.posted.append(posted)
            if letter.kind in GENUINE and letter.event_id and posted.is_as_expected:
                self.taken.append(letter.event_id)
            self._on_posted(len(self.posted))
            self._waiting.task_done()

    async def _post(self, letter: Letter, deadline: float) -> Posted:
        tries = Tries()
        response = await persist(lambda: self._send(letter, tries), tries, deadline)
        resent = tries.resent + tries.throttled
        if response is None:
            now = time.monotonic_ns()
            return Posted(letter, NO_ANSWER, now, now, resent)
        return Posted(letter, response.status, response.sent_ns, response.received_ns, resent)

    def _send(self, letter: Letter, tries: Tries) -> Awaitable[Response]:
        """Sign it again: a try that comes late would be refused else."""
        headers = {"Content-Type": "application/json", **letter.sign()}
        return self._pool.exchange("POST", letter.path, tries, headers=headers, body=letter.body)
