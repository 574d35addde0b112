"""What a watching person sees of a rush: bars on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

LINE_EVERY_S: Final = 2.0  # seconds between two plain lines of one stage


def say(console: Console, text: str) -> None:
    """Print a line as it is: no markup, no colours, not wrapped."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


class Stage:
    """One step of the rush, with a number that grows."""

    def __init__(self, console: Console, name: str, total: int, bar: Progress | None) -> None:
        self._console = console
        self._name = name
        self._total = total
        self._bar = bar
        self._task = bar.add_task(name, total=total) if bar is not None else None
        self._said_at = time.monotonic()
        self._done = -1

    def update(self, done: int, total: int | None = None) -> None:
        """Show how far the stage is."""
        self._total = self._total if total is None else total
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=self._total)
        elif done != self._done and (
            done >= self._total > self._done or time.monotonic() - self._said_at >= LINE_EVERY_S
        ):
            self._said_at = time.monotonic()
            say(self._console, f"{self._name}: {done} of {self._total}")
        self._done = done


@contextmanager
def stage(console: Console, name: str, total: int) -> Iterator[Stage]:
    """Show a stage while it lasts."""
    if not console.is_terminal:
        yield Stage(console, name, total, None)
        return
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        yield Stage(console, name, total, bar)
