"""The processes of a crowd as the run sees them: started, asked, answered, counted, ended."""

import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final, Generic, Self, TypeVar

from benchmarks.harness.failures import CannotMeasure

ANSWER_S: Final = 60.0  # for a process to answer; a busy one reads its sockets first
LOOK_EVERY_S: Final = 0.2
FAREWELL_S: Final = 10.0

Question = tuple[str, Any]  # a verb, and what it needs


@dataclass(frozen=True, slots=True)
class Countable:
    """How far a process is. A crowd's is the sum, field by field."""

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


Plan = TypeVar("Plan")
Tally = TypeVar("Tally", bound=Countable)


def allow_open_files() -> int:
    """Raise this process' own limit of open files as far as it may; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class ClientProcesses(Generic[Plan, Tally]):
    """Each behind a pipe: a question goes to all of them, and all answer, `count` with a tally."""

    def __init__(
        self, entry: Callable[[Plan, "Connection[Any, Any]"], None], plans: Sequence[Plan], none: Tally
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection[Any, Any]] = []
        self._processes: list[BaseProcess] = []
        self._none = none
        self.tally = none  # the whole crowd as last counted
        for plan in plans:
            ours, theirs = context.Pipe()
            process = context.Process(target=entry, args=(plan, theirs), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __len__(self) -> int:
        return len(self._processes)

    @property
    def pids(self) -> set[int]:
        """The ids of the processes."""
        return {process.pid for process in self._processes if process.pid is not None}

    def ask(self, verb: str, asked: object = None, *, timeout_s: float = ANSWER_S) -> list[Any]:
        """Ask every process; returns the answers in their order.

        Raises:
            CannotMeasure: one of them broke, is gone, or does not answer in time.
        """
        answers: dict[int, Any] = {}
        until = time.monotonic() + timeout_s
        try:
            for pipe in self._pipes:
                pipe.send((verb, asked))
            while len(answers) < len(self._pipes):
                open_ones = [pipe for place, pipe in enumerate(self._pipes) if place not in answers]
                ready = wait(open_ones, max(0.0, until - time.monotonic()))
                if not ready:
                    raise CannotMeasure(f"A client process did not answer «{verb}» in {timeout_s:.0f} s.")
                for one in ready:
                    place = next(at for at, pipe in enumerate(self._pipes) if pipe is one)
                    answers[place] = self._read(self._pipes[place])
        except (EOFError, ConnectionResetError, BrokenPipeError) as error:
            raise CannotMeasure("A client process went away.") from error
        return [answers[place] for place in range(len(self._pipes))]

    def count(self) -> Tally:
        """How far the whole crowd is."""
        self.tally = sum(self.ask("count"), self._none)
        return self.tally

    def watch(
        self, is_done: Callable[[Tally], bool], deadline: float, on_change: Callable[[Tally], None]
    ) -> Tally:
        """Count again and again until a condition holds or the deadline comes; returns the last count."""
        while True:
            tally = self.count()
            on_change(tally)
            if is_done(tally) or time.monotonic() >= deadline:
                return tally
            time.sleep(min(LOOK_EVERY_S, max(0.0, deadline - time.monotonic())))

    def watch_or_poll(
        self,
        is_done: Callable[[Tally], bool],
        measure: Callable[[Tally], int],
        deadline: float,
        *,
        patience_s: Callable[[], float],
        on_change: Callable[[Tally], None],
    ) -> None:
        """Watch; when a number does not grow for as long as patience lasts, have those who wait ask."""
        last, changed_at = -1, time.monotonic()

        def follow(tally: Tally) -> None:
            nonlocal last, changed_at
            on_change(tally)
            if measure(tally) != last:
                last, changed_at = measure(tally), time.monotonic()
            elif time.monotonic() - changed_at > patience_s():
                changed_at = time.monotonic()
                self.ask("poll", deadline)

        self.watch(is_done, deadline, follow)

    def close(self) -> None:
        """End every process: a closed pipe is their sign; who does not heed it is killed."""
        for pipe in self._pipes:
            pipe.close()
        until = time.monotonic() + FAREWELL_S
        for process in self._processes:
            process.join(max(0.0, until - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()

    @staticmethod
    def _read(pipe: "Connection[Any, Any]") -> object:
        answer = pipe.recv()
        if isinstance(answer, Exception):
            raise CannotMeasure(f"A client process broke: {answer!r}") from answer
        return answer[1]
