"""The quick reading of frames, held against wsproto's."""

import socket
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import SERVER
from wsproto.connection import Connection as Parser
from wsproto.events import Event, Pong, TextMessage
from wsproto.utilities import ProtocolError

from benchmarks.ws_wire import client_frame
from web.live.connection import Connection, Keeper
from web.live.whole import whole_texts

PONG = 10
sizes = st.sampled_from((0, 1, 124, 125, 126, 127, 300, 4000))
texts = st.one_of(st.text(max_size=80), sizes.map(lambda size: "ü" * (size // 2) + "x" * (size % 2)))
usual = st.one_of(
    texts.map(lambda text: client_frame(1, text.encode())),
    st.binary(max_size=20).map(lambda payload: client_frame(PONG, payload)),
)
anything = st.one_of(
    usual,
    st.builds(client_frame, st.sampled_from((0, 1, 2, 8, 9, 10, 3, 11)), st.binary(max_size=140)),
    st.binary(max_size=8),
)


def events_of(data: bytes) -> list[Event] | None:
    """What wsproto reads; None where it objects."""
    parser = Parser(SERVER)
    parser.receive_data(data)
    try:
        return list(parser.events())
    except ProtocolError:
        return None


def require_same(data: bytes) -> None:
    """Whatever is read quickly is read by wsproto, as just that, and wsproto waits for nothing more."""
    texts = whole_texts(data)
    if texts is None:
        return
    events = events_of(data)
    assert events is not None
    assert all(
        isinstance(one, Pong) or (isinstance(one, TextMessage) and one.message_finished) for one in events
    )
    assert [one.data for one in events if isinstance(one, TextMessage)] == texts
    more = events_of(data + client_frame(1, b"next"))
    assert more is not None
    assert more[len(events) :] == [TextMessage(data="next", frame_finished=True, message_finished=True)]


@given(st.lists(usual, min_size=1, max_size=4))
def test_what_is_usual_is_read_quickly_and_as_by_wsproto(frames: list[bytes]) -> None:
    assert whole_texts(b"".join(frames)) is not None
    require_same(b"".join(frames))


@given(st.lists(anything, max_size=4), st.data())
def test_nothing_is_read_that_wsproto_would_read_otherwise(frames: list[bytes], data: st.DataObject) -> None:
    sent = bytearray(b"".join(frames))
    for _ in range(data.draw(st.integers(0, 3)) if sent else 0):
        sent[data.draw(st.integers(0, len(sent) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(sent)))
    require_same(bytes(sent))
    require_same(bytes(sent[:cut]))


def test_a_frame_cut_anywhere_is_left_to_wsproto() -> None:
    for text in (b"hello", b"x" * 300):
        frame = client_frame(1, b"first") + client_frame(1, text)
        first = len(client_frame(1, b"first"))
        assert [cut for cut in range(1, len(frame)) if whole_texts(frame[:cut]) is not None] == [first]


def test_a_text_that_is_not_utf_8_is_left_to_wsproto() -> None:
    assert whole_texts(client_frame(1, b"\xff\xfe")) is None
    assert whole_texts(client_frame(1, "ü".encode()[:1])) is None


KEY = b"\0\0\0\0"  # which masks nothing


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\xfe\x00\x05" + KEY + b"hello",  # a length in more bytes than it needs
        b"\x81\xff" + (5).to_bytes(8) + KEY + b"hello",
        b"\x81\xff" + (70_000).to_bytes(8) + KEY + b"x" * 70_000,
        b"\x81\x05hello",  # not masked
        b"\xc1\x85" + KEY + b"hello",  # of an extension
        b"\x01\x85" + KEY + b"hello",  # of a message in fragments
        b"\x80\x85" + KEY + b"hello",
        b"\x82\x85" + KEY + b"hello",  # binary
        b"\x88\x80" + KEY,  # close
        b"\x89\x80" + KEY,  # ping
        b"\x8a\xfe\x00\x7e" + KEY + b"x" * 126,  # a pong that is too long
    ],
)
def test_what_is_unusual_is_left_to_wsproto(frame: bytes) -> None:
    good = client_frame(1, b"good")
    assert [whole_texts(data) for data in (frame, frame + good, good + frame)] == [None] * 3


class Notes:
    """A keeper that writes down what it is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def on_message(self, connection: Connection) -> None:
        self.messages.append(connection.inbox.pop())

    def on_interest(self, connection: Connection) -> None:
        """Nothing waits here."""

    def on_gone(self, connection: Connection) -> None:
        """It is not missed."""

    def lets_through(self, _connection: Connection, _now: float) -> bool:
        return True


@given(st.lists(texts, min_size=1, max_size=6), st.lists(st.integers(0, 400), max_size=6))
def test_however_they_are_cut_the_messages_are_the_same(said: list[str], cuts: list[int]) -> None:
    """Whole frames are read quickly up to the first that is not whole, and by wsproto from there on."""
    data = b"".join(client_frame(1, text.encode()) for text in said)
    ours, peer = socket.socketpair()
    notes = Notes()
    connection = Connection(ours, cast(Keeper, notes))
    with ours, peer:
        for piece in pieces(data, cuts):
            peer.sendall(piece)
            connection.on_readable()
        peer.setblocking(False)
    assert notes.messages == said


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    """Cut off pieces of these sizes, and the rest in pieces that one read takes."""
    cut, at = [], 0
    for size in sizes:
        cut.append(data[at : at + size])
        at += size
    cut += [data[start : start + 4000] for start in range(at, len(data), 4000)]
    return [piece for piece in cut if piece]
