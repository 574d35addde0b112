"""The event loop of a client process: it answers the run's questions, and begins what it is asked to."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.harness.client_processes import Question, allow_open_files


def run_client(
    loop: Callable[[Any, "Connection[Any, Question]"], "ClientLoop"], plan: Any, pipe: Any
) -> None:
    """The entry of a client process. Its parent handles Ctrl-C, and a closed pipe ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    allow_open_files()
    asyncio.run(loop(plan, pipe).run())


class ClientLoop:
    """What a process does is in its two tables.

    `begins`: verbs that take their time, each with a deadline of `time.monotonic`. `tells`: verbs that are
    answered at once.
    """

    def __init__(self, pipe: "Connection[Any, Question]") -> None:
        self._pipe = pipe
        self._work: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self.begins: dict[str, Callable[[float], Coroutine[Any, Any, None]]] = {}
        self.tells: dict[str, Callable[[], object]] = {}

    async def run(self) -> None:
        """Answer until the run is gone."""
        is_over = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._answer, is_over)
        await is_over.wait()
        for task in self._work:
            task.cancel()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin something; its failure is the answer to the next question."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._finish)

    def _answer(self, is_over: asyncio.Event) -> None:
        try:
            verb, asked = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            asyncio.get_running_loop().remove_reader(self._pipe.fileno())
            is_over.set()
            return
        if verb in self.begins:
            self.spawn(self.begins[verb](asked))
        tell = self.tells.get(verb)
        self._pipe.send(self._failure or (verb, tell() if tell else None))

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()
