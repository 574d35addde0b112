"""One connection: its bounds, its times and its end, with an owner that only takes notes."""

import socket
import time
from collections.abc import Iterator
from random import Random
from uuid import uuid4

import pytest

from benchmarks.client.frames import client_frame
from web.sockets.delivery.subscription import Watch
from web.sockets.transport.connection import (
    GOODBYE_S,
    HEARTBEAT_S,
    IDLE_S,
    MAX_INBOX,
    SILENCE_S,
    WRITE_DEADLINE_S,
    Connection,
)
from web.sockets.transport.wire import MAX_PENDING, PING, TOO_SLOW, close_frame, text_frame


class Notes:
    """An owner that writes down what it is told."""

    def __init__(self) -> None:
        self.gone: list[Connection] = []
        self.drained = 0
        self.messages: list[str] = []
        self.is_strict = False

    def on_message(self, connection: Connection) -> None:
        self.messages.append(connection.inbox[-1])

    def on_drained(self, connection: Connection) -> None:  # noqa: ARG002
        self.drained += 1

    def on_interest(self, connection: Connection) -> None:
        pass

    def on_gone(self, connection: Connection) -> None:
        self.gone.append(connection)

    def lets_through(self, connection: Connection, now: float) -> bool:  # noqa: ARG002
        return not self.is_strict


class Two:
    """A connection and its peer."""

    def __init__(self) -> None:
        ours, self.peer = socket.socketpair()
        self.notes = Notes()
        self.connection = Connection(ours, self.notes)
        self.peer.setblocking(False)

    def read(self) -> bytes:
        got = b""
        try:
            while piece := self.peer.recv(1 << 16):
                got += piece
        except (BlockingIOError, ConnectionResetError):
            pass
        return got

    def clog(self) -> None:
        """Write until the peer takes no more."""
        while not self.connection.wire.pending:
            self.connection.push(text_frame(b"x" * 5000))

    def read_all(self) -> bytes:
        """Read as fast as it comes, until nothing waits any more."""
        got = self.read()
        while self.connection.wire.pending:
            self.connection.on_writable()
            got += self.read()
        return got


@pytest.fixture
def two() -> Iterator[Two]:
    two = Two()
    yield two
    two.connection.lose()
    two.peer.close()


def watched(two: Two) -> Watch:
    watch = Watch(uuid4())
    watch.frame, watch.version = text_frame(b"snapshot 1"), 1
    two.connection.watched = (watch,)
    watch.members[two.connection] = 0
    return watch


def test_a_snapshot_is_sent_once(two: Two) -> None:
    watch = watched(two)
    assert watch.tell(two.connection)
    assert not watch.tell(two.connection)
    assert two.read() == watch.frame


def test_a_slow_reader_gets_only_the_newest_snapshot(two: Two) -> None:
    watch = watched(two)
    two.clog()
    for version in range(2, 1000):
        watch.version, watch.frame = version, text_frame(b"snapshot %d" % version)
        assert not watch.tell(two.connection)
    pending = two.connection.wire.pending
    assert pending < 6000
    got = b""
    while not two.notes.drained:
        got += two.read()
        two.connection.on_writable()
    watch.tell(two.connection)
    assert (got + two.read()).endswith(watch.frame)
    assert b"snapshot 998" not in got


def overflow(two: Two) -> None:
    for _ in range(MAX_PENDING // 5000 + 2):
        two.connection.push(text_frame(b"x" * 5000))


def test_a_peer_whose_outbox_overflows_is_told_so_after_whole_frames(two: Two) -> None:
    two.clog()
    overflow(two)
    assert not two.connection.is_open
    goodbye = close_frame(TOO_SLOW, "Read faster, or come back for a snapshot.")
    assert two.connection.wire.pending < MAX_PENDING / 10
    frames, found, rest = two.read_all().partition(goodbye)
    assert found
    assert not rest
    assert frames == text_frame(b"x" * 5000) * (len(frames) // 5004)


def test_a_peer_that_does_not_even_take_the_goodbye_is_cut_off(two: Two) -> None:
    two.clog()
    overflow(two)
    now = time.monotonic()
    two.connection.look_after(now + GOODBYE_S)
    assert two.notes.gone == [two.connection]
    assert two.connection.wire.fileno() == -1


def test_a_reader_who_takes_too_long_is_cut_off(two: Two) -> None:
    two.clog()
    stuck = two.connection.wire.stuck_since
    opened = []
    for seconds in (WRITE_DEADLINE_S - 0.1, WRITE_DEADLINE_S):
        two.connection.look_after(stuck + seconds)
        opened.append(two.connection.is_open)
    assert opened == [True, False]
    two.connection.look_after(time.monotonic() + GOODBYE_S)
    assert two.notes.gone


def test_a_reader_of_one_byte_a_second_is_cut_off_too(two: Two) -> None:
    two.clog()
    stuck = two.connection.wire.stuck_since
    for second in range(int(WRITE_DEADLINE_S)):
        assert two.connection.is_open
        two.peer.recv(1)
        two.connection.on_writable()
        two.connection.look_after(stuck + second)
    two.connection.look_after(stuck + WRITE_DEADLINE_S)
    assert not two.connection.is_open


def test_a_reader_who_took_everything_is_not_slow_because_we_were_late(two: Two) -> None:
    two.clog()
    stuck = two.connection.wire.stuck_since
    two.read()
    two.connection.look_after(stuck + WRITE_DEADLINE_S)
    assert two.connection.is_open
    assert not two.connection.wire.pending


def test_a_peer_who_spoke_is_not_silent_because_we_were_late(two: Two) -> None:
    watched(two)
    two.peer.send(client_frame(10, b""))
    two.connection.look_after(two.connection.heard_at + SILENCE_S)
    assert not two.notes.gone
    assert two.connection.is_open


def test_a_peer_whose_messages_we_leave_unread_is_not_silent(two: Two) -> None:
    watched(two)
    for number in range(MAX_INBOX):
        two.peer.send(client_frame(1, b"%d" % number))
        two.connection.on_readable()
    two.connection.look_after(two.connection.heard_at + SILENCE_S)
    assert two.connection.is_open
    assert len(two.notes.messages) == MAX_INBOX


def test_an_idle_stranger_is_sent_away_and_a_watcher_is_not(two: Two) -> None:
    now = two.connection.opened_at + IDLE_S
    watch = watched(two)
    two.connection.look_after(now)
    assert b"Authenticate" not in two.read()
    del watch.members[two.connection]
    two.connection.watched = ()
    two.connection.look_after(now)
    assert b"Authenticate or subscribe." in two.read()


def test_it_pings_and_gives_up_a_peer_who_is_silent(two: Two) -> None:
    watched(two)
    heard = two.connection.heard_at
    asked_at = []
    for second in range(int(SILENCE_S)):
        if two.connection.due <= heard + second:
            two.connection.look_after(heard + second)
        if PING in two.read():
            asked_at.append(second)
    assert two.connection.is_open
    assert asked_at
    assert SILENCE_S - asked_at[0] > 10  # seconds to answer in
    two.connection.look_after(heard + SILENCE_S)
    assert two.notes.gone
    assert SILENCE_S < 60


def test_a_peer_who_is_heard_of_is_not_asked(two: Two) -> None:
    watched(two)
    heard = two.connection.heard_at
    for second in range(5 * int(HEARTBEAT_S)):
        if second % 15 == 0:
            two.connection.heard_at = heard + second
        two.connection.look_after(heard + second)
    assert two.connection.is_open
    assert PING not in two.read()


def test_a_goodbye_waits_for_the_peers_but_not_for_ever(two: Two) -> None:
    two.connection.close(1001, "bye")
    assert not two.notes.gone
    assert two.read() == b"\x88\x05\x03\xe9bye"
    two.connection.push(text_frame(b"late"))
    assert not two.read()
    two.connection.look_after(time.monotonic() + GOODBYE_S)
    assert two.notes.gone == [two.connection]


def test_the_peers_end_is_ours(two: Two) -> None:
    two.peer.close()
    two.connection.on_readable()
    assert two.notes.gone == [two.connection]
    two.connection.lose()
    assert two.notes.gone == [two.connection]


def test_a_full_inbox_is_not_read_into(two: Two) -> None:
    for number in range(MAX_INBOX):
        assert two.connection.wants_reading
        two.peer.send(client_frame(1, b"%d" % number))
        two.connection.on_readable()
    assert not two.connection.wants_reading
    assert two.notes.messages == [str(number) for number in range(MAX_INBOX)]


def test_what_is_too_much_is_dropped(two: Two) -> None:
    two.notes.is_strict = True
    two.peer.send(client_frame(1, b"hello") + client_frame(9, b"ping"))
    two.connection.on_readable()
    assert two.connection.inbox == []
    assert two.read() == b""


def test_no_bytes_that_a_peer_can_send_break_it() -> None:
    random = Random(7)
    for _ in range(500):
        two = Two()
        good = client_frame(random.choice((0, 1, 2, 8, 9, 10)), random.randbytes(random.randrange(300)))
        sent = bytearray(good * random.randrange(1, 4) + random.randbytes(random.randrange(20)))
        for _ in range(random.randrange(4)):
            sent[random.randrange(len(sent))] = random.randrange(256)
        two.peer.send(sent)
        two.connection.on_readable()
        two.peer.close()
        two.connection.on_readable()
        assert two.notes.gone == [two.connection]
