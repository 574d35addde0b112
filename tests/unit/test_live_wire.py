"""Frames leave whole or not at all, whatever the reader takes."""

import socket
from collections.abc import Iterator

import pytest
from wsproto.connection import CLIENT, Connection
from wsproto.events import CloseConnection, TextMessage

from web.sockets.transport.wire import Wire, close_frame, pong_frame, text_frame

Pair = tuple[Wire, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    wire = Wire(ours)
    yield wire, theirs
    wire.close()
    theirs.close()


def read(frames: bytes) -> list[str]:
    parser = Connection(CLIENT)
    parser.receive_data(frames)
    return [event.data for event in parser.events() if isinstance(event, TextMessage)]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_a_text_frame_of_any_size_is_read_by_a_client(size: int) -> None:
    assert "".join(read(text_frame(b"x" * size))) == "x" * size


@pytest.mark.parametrize(
    ("code", "told"), [(1000, 1000), (4401, 4401), (None, 1005), (1005, 1005), (1006, 1005), (0, 1005)]
)
def test_a_close_frame_carries_its_code_unless_that_must_not_be_sent(code: int | None, told: int) -> None:
    parser = Connection(CLIENT)
    parser.receive_data(close_frame(code, "ü" * 200))
    (event,) = parser.events()
    assert isinstance(event, CloseConnection)
    assert event.code == told


def test_a_pong_carries_its_ping() -> None:
    assert pong_frame(b"abc") == b"\x8a\x03abc"


def test_what_the_reader_does_not_take_is_kept_in_order(pair: Pair) -> None:
    wire, theirs = pair
    frames = [text_frame(b"%06d" % number + b"x" * 5000) for number in range(100)]
    for frame in frames:
        wire.write(frame, now=5.0)
    assert wire.pending > 0
    assert wire.stuck_since == 5.0
    theirs.setblocking(False)
    got = b""
    while len(got) < sum(map(len, frames)):
        got += theirs.recv(100_000)
        wire.flush()
    assert got == b"".join(frames)
    assert wire.pending == 0
    assert wire.stuck_since == 0.0


def test_what_has_begun_to_leave_leaves_whole_though_the_rest_is_given_up(pair: Pair) -> None:
    wire, theirs = pair
    begun, given_up, goodbye = text_frame(b"a" * 400_000), text_frame(b"b" * 5000), close_frame(4408, "slow")
    wire.write(begun, now=5.0)
    assert 0 < wire.pending < len(begun)
    wire.write(given_up, now=5.0)
    wire.drop_waiting()
    wire.write(goodbye, now=5.0)
    got = b""
    while wire.pending:
        got += theirs.recv(100_000)
        wire.flush()
    wire.close()
    while piece := theirs.recv(100_000):
        got += piece
    assert got == begun + goodbye


def test_what_has_not_begun_to_leave_is_given_up(pair: Pair) -> None:
    wire, theirs = pair
    while not wire.pending:
        wire.write(text_frame(b"x"), now=5.0)
    wire.drop_waiting()
    assert wire.pending == 0
    wire.close()
    got = b""
    while piece := theirs.recv(100_000):
        got += piece
    assert got == text_frame(b"x") * (len(got) // 3)


def test_reading_tells_nothing_yet_from_the_end(pair: Pair) -> None:
    wire, theirs = pair
    assert wire.read() is None
    theirs.send(b"abc")
    assert wire.read() == b"abc"
    theirs.shutdown(socket.SHUT_WR)
    assert wire.read() == b""
