"""The garbage collector does not walk over the sockets that are there."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from web.sockets.delivery.collector import STEP, Collector


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.freeze()  # as the run keeps what imports left


class Thing:
    """Something that a cycle could hold."""


def test_what_is_there_is_spared_when_there_is_much_more_than_before() -> None:
    collector = Collector()
    collector.spare(STEP - 1)
    assert gc.get_freeze_count() == 0
    collector.spare(STEP)
    assert gc.get_freeze_count() > 0


def test_it_is_done_at_a_new_maximum_only() -> None:
    collector = Collector()
    collector.spare(10 * STEP)
    gc.unfreeze()
    for sockets in (0, 9 * STEP, 10 * STEP, 11 * STEP - 1):
        collector.spare(sockets)
    assert gc.get_freeze_count() == 0
    collector.spare(11 * STEP)
    assert gc.get_freeze_count() > 0


def test_what_was_spared_is_freed_without_the_collector() -> None:
    thing = Thing()
    gone = weakref.ref(thing)
    Collector().spare(STEP)
    del thing
    assert gone() is None
