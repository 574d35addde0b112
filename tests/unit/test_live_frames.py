"""What clients send is read as wsproto reads it, in whatever pieces it comes, and within bounds."""

import os
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from wsproto.connection import SERVER, Connection, ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from benchmarks.client.frames import client_frame
from web.sockets.transport.frames import CLOSE, MAX_MESSAGE, MAX_PIECES, PING, Broken, FrameReader, read_close

TEXT, CONTINUATION = 1, 0
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "5000"))
Heard = list[Any]


def frame(opcode: int, payload: bytes, *, is_final: bool = True) -> bytes:
    built = bytearray(client_frame(opcode, payload))
    if not is_final:
        built[0] &= 0x7F
    return bytes(built)


def read(*pieces: bytes) -> Heard:
    """What a reader makes of these pieces; the last is the code that it would close with, if it would."""
    reader, heard = FrameReader(), Heard()
    for piece in pieces:
        try:
            for event in reader.read(piece):
                if isinstance(event, tuple) and event[0] == CLOSE:
                    return [*heard, ("close", *read_close(event[1]))]
                heard.append(event if isinstance(event, str) else ("ping", event[1]))
        except Broken as broken:
            return [*heard, broken.close_code]
    return heard


def read_by_wsproto(pieces: Iterable[bytes]) -> Heard:
    """The same by the library."""
    parser, heard, text = Connection(SERVER), Heard(), ""
    for piece in pieces:
        parser.receive_data(piece)
        for event in parser.events():
            if isinstance(event, TextMessage):
                text += event.data
                if event.message_finished:
                    heard.append(text)
                    text = ""
            elif isinstance(event, BytesMessage):
                return [*heard, 1003]
            elif isinstance(event, Ping):
                heard.append(("ping", bytes(event.payload)))
            elif isinstance(event, CloseConnection):
                if parser.state is not ConnectionState.REMOTE_CLOSING:  # its own word for what is broken
                    return [*heard, int(event.code)]
                code = None if event.code == 1005 else int(event.code)
                return [*heard, ("close", code, event.reason or "")]
    return heard


def split(random: Random, data: bytes) -> list[bytes]:
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.randrange(4)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if b > a]


def something(random: Random) -> bytes:
    """A few frames of which some are good, with a few bytes changed in some."""
    sent = bytearray()
    for _ in range(random.randrange(1, 5)):
        payload = random.choice(
            (b"", "grüße €".encode(), random.randbytes(random.randrange(200)), b"\x03\xe8bye", b"\x03\xec")
        )
        opcode = random.choice((0, 1, 1, 1, 2, 8, 9, 10, 3))
        sent += frame(opcode, payload, is_final=random.random() < 0.7)
    for _ in range(random.choice((0, 0, 1, 3))):
        sent[random.randrange(len(sent))] = random.randrange(256)
    return bytes(sent)


def test_whatever_comes_is_read_as_wsproto_reads_it() -> None:
    random = Random(6455)
    compared = 0
    for _ in range(ROUNDS):
        pieces = split(random, something(random) + bytes(16))  # so that no header is left half read
        ours, theirs = read(*pieces), read_by_wsproto(pieces)
        if {1007, 1009} & {*ours[-1:], *theirs[-1:]}:  # wsproto looks at text at once, and at no size
            both = min(len(ours), len(theirs)) - 1
            assert ours[:both] == theirs[:both]
        elif theirs[-1:] in ([1002], [1003]) and ours == theirs[:-1]:  # wsproto judges a frame half read
            half_read = FrameReader()
            list(half_read.read(b"".join(pieces)))
            assert not half_read.is_idle
        else:
            assert ours == theirs, b"".join(pieces).hex()
            compared += 1
    assert compared > ROUNDS * 0.7


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, MAX_MESSAGE])
def test_a_message_of_any_allowed_size_is_read_in_pieces(size: int) -> None:
    sent = frame(TEXT, b"x" * size)
    step = -(-len(sent) // MAX_PIECES)
    reader = FrameReader()
    heard = [event for at in range(0, len(sent), step) for event in reader.read(sent[at : at + step])]
    assert heard == ["x" * size]
    assert reader.is_idle


def test_nothing_is_kept_between_messages() -> None:
    reader = FrameReader()
    assert list(reader.read(frame(TEXT, b"one") + frame(TEXT, b"t")[:3])) == ["one"]
    assert not reader.is_idle
    reader = FrameReader()
    assert list(reader.read(frame(TEXT, b"o", is_final=False))) == []
    assert not reader.is_idle
    assert list(reader.read(frame(PING, b"") + frame(CONTINUATION, b"ne"))) == [(PING, b""), "one"]
    assert reader.is_idle


def test_what_is_too_large_is_refused_before_it_has_come() -> None:
    head = bytes((0x81, 0xFF)) + (100 * 2**20).to_bytes(8, "big") + b"mask"
    assert read(head) == [1009]
    assert read(frame(TEXT, b"x" * MAX_MESSAGE, is_final=False), frame(CONTINUATION, b"x")) == [1009]


@pytest.mark.parametrize(
    "size", [b"\xfe\x00\x05", b"\xff" + bytes(7) + b"\x05", b"\xff" + bytes(6) + b"\x01\x00"]
)
def test_a_size_that_is_written_too_long_is_refused(size: bytes) -> None:
    assert read(b"\x81" + size + b"mask" + bytes(256)) == [1002]


def test_endless_pieces_are_refused() -> None:
    assert read(frame(TEXT, b"", is_final=False), *[frame(CONTINUATION, b"", is_final=False)] * 100) == [1009]
    assert read(*(frame(TEXT, b"x" * 100)[at : at + 1] for at in range(100))) == [1009]


def test_what_came_before_the_fault_is_heard() -> None:
    assert read(frame(TEXT, b"hello") + b"\xff\xff") == ["hello", 1002]


@pytest.mark.parametrize(
    ("payload", "ends"),
    [
        (b"", ("close", None, "")),
        (b"\x03\xe8", ("close", 1000, "")),
        (b"\x11\x31bye", ("close", 4401, "bye")),
        (b"\x03", 1002),
        (b"\x03\xed", 1002),  # 1005, which is never sent
        (b"\x07\xd0", 1002),  # 2000, which means nothing
        (b"\x03\xe8\xff", 1007),
    ],
)
def test_a_goodbye_is_read_or_refused(payload: bytes, ends: Any) -> None:
    assert read(frame(CLOSE, payload)) == [ends]
