"""What web processes count in files is read as prometheus_client would read it."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from web.metrics.shared import SharedFigures

BOUNDS = ("0.5", "10.0", "+Inf")
Series = dict[tuple[str, str, str, str], float]


class Process:
    """A web process, as its files show it."""

    def __init__(self, folder: Path, pid: int) -> None:
        self._folder, self._pid = folder, pid

    def tell(self, kind: str, family: str, name: str, value: float, **labels: str) -> None:
        """Set a series, as the library does."""
        path = str(self._folder / f"{kind}_{self._pid}.db")
        key = mmap_key(family, name, list(labels), list(labels.values()), f"Tells of {family}")
        with closing(MmapedDict(path)) as file:  # type: ignore[no-untyped-call]
            file.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]

    def observe(self, route: str, *counts: int) -> None:
        """Set how many requests of a route fell under each bound."""
        for bound, many in zip(BOUNDS, counts, strict=True):
            self.tell("histogram", "took", "took_bucket", many, route=route, le=bound)
        self.tell("histogram", "took", "took_sum", sum(counts) * 0.25, route=route)


def series(page: str) -> Series:
    return {
        (family.name, family.type, family.documentation, f"{one.name}{sorted(one.labels.items())}"): one.value
        for family in text_string_to_metric_families(page)
        for one in family.samples
    }


def as_the_library_reads(folder: Path) -> Series:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    return series(generate_latest(registry).decode())


def count(process: Process, of: Mapping[str, int]) -> None:
    for route, many in of.items():
        process.tell("counter", "asked", "asked_total", many, route=route)
        process.observe(route, many, 0, 1)


def test_processes_are_read_together_as_the_library_reads_them_whatever_each_counted_first(
    tmp_path: Path,
) -> None:
    figures = SharedFigures(tmp_path)
    assert figures.text() == ""
    one, other = Process(tmp_path, 11), Process(tmp_path, 12)
    count(one, {"/": 3, "/sales/<uuid:id>": 5, 'odd "\\\n': 1})
    count(other, {"/orders": 2, "/": 4})
    for process, open_sockets, is_silent in ((one, 7, 0), (other, 5, 1)):
        process.tell("gauge_livesum", "sockets", "sockets", open_sockets)
        process.tell("gauge_livemax", "silent", "silent", is_silent)
    assert series(figures.text()) == as_the_library_reads(tmp_path)
    count(other, {f"/new/{'x' * length}": length for length in range(40)})
    count(one, {"/": 9})
    assert series(figures.text()) == as_the_library_reads(tmp_path)


def test_a_process_that_ended_leaves_its_counts_and_takes_its_gauges(tmp_path: Path) -> None:
    figures = SharedFigures(tmp_path)
    for pid in (11, 12):
        process = Process(tmp_path, pid)
        count(process, {"/": 2})
        process.tell("gauge_livesum", "sockets", "sockets", 4)
    assert series(figures.text()) == as_the_library_reads(tmp_path)
    (tmp_path / "gauge_livesum_11.db").unlink()
    assert series(figures.text()) == as_the_library_reads(tmp_path)


def test_a_file_that_was_begun_again_is_read_from_its_beginning(tmp_path: Path) -> None:
    figures = SharedFigures(tmp_path)
    count(Process(tmp_path, 11), {"/": 3, "/orders": 5})
    assert series(figures.text()) == as_the_library_reads(tmp_path)
    for file in tmp_path.iterdir():
        file.unlink()
    count(Process(tmp_path, 11), {"/orders": 1})
    found = series(figures.text())
    assert as_the_library_reads(tmp_path).items() <= found.items()
    assert sum(found.values()) == sum(as_the_library_reads(tmp_path).values())
