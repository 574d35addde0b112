"""What the web processes of a host count, read from the files that they share.

`prometheus_client` writes a file a process and kind, in which a series keeps its place for good. Its own
reader takes every name apart at each scrape: 40 ms once all routes were asked for. This one does so once a
series, and reads nothing but numbers afterwards. It knows sums, and for gauges the largest besides.
"""

import struct
import threading
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Final

import orjson

from tasks.figures.text import heading, series

BEGIN: Final = 8  # bytes of a file: how many of it are used, and nothing
DOUBLE: Final = 8
_LENGTH: Final = struct.Struct("i")
_LARGEST: Final = "gauge_livemax"


@dataclass(slots=True)
class _File:
    """What is known of a file."""

    used: int = BEGIN
    places: list[int] = field(default_factory=list)  # of values, counted in doubles
    series: list[int] = field(default_factory=list)  # whose they are


class SharedFigures:
    """Reads the files of one folder, and remembers where in them everything stands. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Path, _File] = {}
        self._known: dict[tuple[str, bytes], int] = {}  # kind and name of a series → its number
        self._page = _Page()
        self._lock = threading.Lock()

    def text(self) -> str:
        """Write what all processes have counted together."""
        with self._lock:
            return self._page.text(self._values())

    def _values(self) -> list[float]:
        found = {path: _contents(path) for path in self._folder.glob("*.db")}
        self._files = {path: self._learned(path, data) for path, data in found.items() if data}
        values = [0.0] * len(self._known)
        for path, file in self._files.items():
            data = found[path]
            doubles = array("d", data[: len(data) // DOUBLE * DOUBLE])
            read = zip(file.series, map(doubles.__getitem__, file.places), strict=True)
            if path.name.startswith(_LARGEST):
                for number, value in read:
                    values[number] = max(values[number], value)
            else:
                for number, value in read:
                    values[number] += value
        return values

    def _learned(self, path: Path, data: bytes) -> _File:
        """Learn the places of series that are new in a file; of all where it was begun again."""
        (used,) = _LENGTH.unpack_from(data)
        file = self._files.get(path) or _File()
        if used < file.used:
            file = _File()
        kind = path.name.partition("_")[0]
        while file.used < used:
            (length,) = _LENGTH.unpack_from(data, file.used)
            name_at = file.used + _LENGTH.size
            place = (name_at + length) // DOUBLE + 1  # behind a blank at least
            file.series.append(self._number(kind, data[name_at : name_at + length]))
            file.places.append(place)
            file.used = (place + 2) * DOUBLE  # the value, and when it was set
        return file

    def _number(self, kind: str, name: bytes) -> int:
        number = self._known.setdefault((kind, name), len(self._known))
        if number == self._page.series:
            self._page.add(kind, *orjson.loads(name))
        return number


class _Page:
    """How the page is written: each line's beginning, with the number of the series whose value follows."""

    def __init__(self) -> None:
        self.series = 0
        self._families: dict[str, _Family] = {}

    def add(self, kind: str, family: str, name: str, labels: Mapping[str, str], says: str) -> None:
        """Give the next series its line."""
        shown = f"{family}_total" if kind == "counter" else family
        own = self._families.setdefault(family, _Family(heading(kind, shown, says)))
        own.add(name, dict(labels), self.series)
        self.series += 1

    def text(self, values: list[float]) -> str:
        """Write every family."""
        return "".join(part for family in self._families.values() for part in family.lines(values))


class _Family:
    """The lines of one family: one a series, of histograms a group for each set of labels."""

    def __init__(self, heading: str) -> None:
        self._heading = heading
        self._singles: list[tuple[str, int]] = []
        self._buckets: dict[str, list[tuple[float, str, int]]] = defaultdict(list)

    def add(self, name: str, labels: dict[str, str], number: int) -> None:
        bound = labels.pop("le", None)
        told = series(tuple(labels), tuple(labels.values()))
        if bound is None:
            self._singles.append((f"{name}{told} ", number))
            return
        line = f"{name}{series((*labels, 'le'), (*labels.values(), bound))} "
        group = self._buckets[f"{name.removesuffix('_bucket')}_count{told} "]
        group.append((float(bound), line, number))
        group.sort()

    def lines(self, values: list[float]) -> Iterator[str]:
        """Write the family."""
        yield self._heading
        yield from [f"{line}{values[number]:.15g}\n" for line, number in self._singles]
        for count, group in self._buckets.items():
            upto = list(accumulate([values[number] for _, _, number in group]))
            yield from [f"{line}{many:.15g}\n" for (_, line, _), many in zip(group, upto, strict=True)]
            yield f"{count}{upto[-1]:.15g}\n"


def _contents(path: Path) -> bytes:
    """Read what is used of a file; nothing where it is gone, as that of a process that has ended."""
    try:
        with path.open("rb") as file:
            begin = file.read(4096)
            if len(begin) < BEGIN:
                return b""
            (used,) = _LENGTH.unpack_from(begin)
            return (begin + file.read(max(used - len(begin), 0)))[:used]
    except FileNotFoundError:
        return b""
