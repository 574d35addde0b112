"""Writes the history of a soak: one JSON line where an operation begins, one where it ends.

The words are Jepsen's: `invoke`, then `ok` (it took place), `fail` (it surely did not) or `info` (nobody
knows). What happens without being asked for (a fault, a word from a socket) is one `info` line.
"""

import itertools
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

INVOKE: Final = "invoke"
OK: Final = "ok"
FAIL: Final = "fail"
INFO: Final = "info"


@dataclass(frozen=True, slots=True)
class Event:
    """One line. `op` pairs the end of an operation with its beginning."""

    at_ns: int  # time.monotonic_ns
    wall_ms: int
    type: str
    what: str  # submit, poll, leave, cancel, order, told, snapshot, admin, fault, mark
    op: int
    who: str
    sale: str
    value: dict[str, Any] = field(default_factory=dict)


class Recorder:
    """Writes events as they happen, in the order in which they do."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._numbers = itertools.count(1)

    def invoke(self, what: str, who: str, sale: str, **value: Any) -> "Operation":
        """Begin an operation."""
        operation = Operation(self, what, next(self._numbers), who, sale)
        operation.write(INVOKE, value)
        return operation

    def note(self, what: str, who: str = "", sale: str = "", **value: Any) -> None:
        """Write down what nobody asked for."""
        self.write(INFO, what, op=next(self._numbers), who=who, sale=sale, value=value)

    def write(self, kind: str, what: str, *, op: int, who: str, sale: str, value: dict[str, Any]) -> None:
        """Write a line."""
        event = Event(time.monotonic_ns(), time.time_ns() // 1_000_000, kind, what, op, who, sale, value)
        self._file.write(orjson.dumps(asdict(event)) + b"\n")

    def flush(self) -> None:
        """Let others read what was written."""
        self._file.flush()

    def close(self) -> None:
        """Put everything on disk."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that began; it ends once, or is never heard of again, which is as good as `info`."""

    recorder: Recorder
    what: str
    op: int
    who: str
    sale: str

    def write(self, kind: str, value: dict[str, Any]) -> None:
        """Write a line of this operation."""
        self.recorder.write(kind, self.what, op=self.op, who=self.who, sale=self.sale, value=value)

    def ok(self, **value: Any) -> None:
        """It took place."""
        self.write(OK, value)

    def fail(self, **value: Any) -> None:
        """It surely did not take place."""
        self.write(FAIL, value)

    def info(self, **value: Any) -> None:
        """Nobody knows."""
        self.write(INFO, value)


def read_history(path: Path) -> Iterator[Event]:
    """Read the lines back."""
    with path.open("rb") as file:
        for line in file:
            yield Event(**orjson.loads(line))
