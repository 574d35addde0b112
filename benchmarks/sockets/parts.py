"""Owns the client processes as the run sees them: started, asked, answered, ended."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final

from benchmarks.sockets.part import PartPlan, Tally, run_part
from benchmarks.sockets.settings import CannotMeasure

ANSWER_S: Final = 60.0  # for a process to answer; a busy one reads its sockets first
LOOK_EVERY_S: Final = 0.2
FAREWELL_S: Final = 10.0


class Parts:
    """All client processes, each behind a pipe: a question goes to all of them, and all answer."""

    def __init__(self, plans: Sequence[PartPlan]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection[Any, Any]] = []
        self._processes: list[BaseProcess] = []
        for plan in plans:
            ours, theirs = context.Pipe()
            process = context.Process(target=run_part, args=(plan, theirs), daemon=True)
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
        return sum(self.ask("count"), Tally())

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
