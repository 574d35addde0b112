"""Who is queued again while their snapshot is being read gets one that was read afterwards."""

import uuid
from typing import Any, cast

import pytest

from models.errors import LedgerUnavailable
from tasks.context import Context
from web.sockets.delivery import snapshot_queue as module
from web.sockets.delivery.session_registry import SessionRegistry
from web.sockets.delivery.snapshot_queue import SnapshotQueue
from web.sockets.delivery.subscription import Watch
from web.sockets.transport.connection import Connection


class Socket:
    """As much of a connection as the queue knows."""

    identity, user_id = object(), "shopper"

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def push(self, frame: bytes) -> None:
        self.sent.append(frame)


class Reading:
    """What the stores say, and what happens while they are asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.meanwhile: Any = lambda: None

    def __call__(self, *_: Any) -> dict[str, tuple[Any, Any]]:
        self.asked += 1
        self.meanwhile()
        return {}


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    made = Reading()
    monkeypatch.setattr(module, "newest_of_shoppers", made)
    return made


def queued() -> tuple[SnapshotQueue, Socket, Watch]:
    """A queue in which one socket waits that asks for its standing."""
    watch, socket = Watch(uuid.uuid4()), Socket()
    watch.members[cast(Connection, socket)] = 0
    queue = SnapshotQueue(cast(Context, None), SessionRegistry())
    queue.add(cast(Connection, socket), [watch], asks_standing=True)
    return queue, socket, watch


def test_who_is_queued_again_meanwhile_is_read_again(reading: Reading) -> None:
    queue, socket, watch = queued()

    def once() -> None:
        reading.meanwhile = lambda: None
        queue.add(cast(Connection, socket), [watch])

    reading.meanwhile = once
    queue.run_once()
    assert reading.asked == 2
    assert len(socket.sent) == 1  # the second time nobody asked for the standing


def test_while_a_store_is_away_they_wait_and_are_told_what_they_asked_for(reading: Reading) -> None:
    def away() -> None:
        raise LedgerUnavailable("away")

    queue, socket, _ = queued()
    reading.meanwhile = away
    with pytest.raises(LedgerUnavailable):
        queue.run_once()
    reading.meanwhile = lambda: None
    queue.run_once()
    assert len(socket.sent) == 1
