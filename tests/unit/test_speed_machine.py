"""benchmarks/harness/processes.py: whose processes are whose, where they run, and what CPU they used."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmarks.harness.processes import cpu_seconds, descendants, pin

# Says when its child runs, and waits for the end of its input.
PARENT = """\
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def family() -> Iterator[tuple[int, int]]:
    """A child of this process, and its own child."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        yield parent.pid, int(parent.stdout.readline())


def test_descendants_are_found_to_the_last_generation(family: tuple[int, int]) -> None:
    child, grandchild = family
    assert {child, grandchild} <= descendants(os.getpid())
    assert descendants(child) == {grandchild}
    assert descendants(grandchild) == set()


def test_pinned_processes_stay_on_their_core(family: tuple[int, int]) -> None:
    core = min(os.sched_getaffinity(0))
    pin(family, {core})
    assert [os.sched_getaffinity(pid) for pid in family] == [{core}, {core}]


def test_who_has_ended_is_not_pinned_and_has_used_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    pin({ended.pid}, os.sched_getaffinity(0))
    assert cpu_seconds({ended.pid}) == 0


def test_cpu_seconds_grow_with_work() -> None:
    before = cpu_seconds({os.getpid()})
    while cpu_seconds({os.getpid()}) == before:
        sum(range(100_000))
    assert cpu_seconds({os.getpid()}) > before
