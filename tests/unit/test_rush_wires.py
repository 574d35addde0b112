"""The crowd's own HTTP and WebSocket clients read what servers may send, whole or in pieces."""

import asyncio
import itertools
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.client.crowd_socket import Socket
from benchmarks.client.frames import SocketRefused, mask, next_frame
from benchmarks.client.http import LoadResult, run_load
from benchmarks.client.http_wire import HttpConnection, HttpProtocolError, Response, Target, build_request
from benchmarks.client.sockets import Sockets, text_message
from benchmarks.harness.durations import Spread
from tests.support.certificates import OPENSSL, Authority


def read_in_pieces(data: bytes, size: int, *, ends: bool = False) -> tuple[list[Response], list[Exception]]:
    """Feed an answer to a connection in pieces of a size."""
    answers: list[Response] = []
    errors: list[Exception] = []
    connection = HttpConnection(lambda _, r: answers.append(r), lambda _, e: errors.append(e))
    connection.busy = True
    for at in range(0, len(data), size):
        connection.data_received(data[at : at + size])
    if ends:
        connection.connection_lost(None)
    return answers, errors


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("data", "status", "body"),
    [
        (b"HTTP/1.1 202 ACCEPTED\r\nContent-Length: 5\r\n\r\nhello", 202, b"hello"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, b""),
        (b"HTTP/1.1 204 NO CONTENT\r\nServer: x\r\n\r\n", 204, b""),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
            200,
            b"abcde",
        ),
    ],
)
def test_answers_are_read_whole_or_in_pieces(data: bytes, status: int, body: bytes, size: int) -> None:
    answers, errors = read_in_pieces(data, size)
    assert [(answer.status, answer.body) for answer in answers] == [(status, body)]
    assert errors == []


def test_a_body_without_a_length_ends_with_its_connection() -> None:
    answers, _ = read_in_pieces(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\nall of it", 4, ends=True)
    assert [answer.body for answer in answers] == [b"all of it"]


def test_what_is_not_http_is_an_error() -> None:
    answers, errors = read_in_pieces(b"SSH-2.0-OpenSSH\r\n\r\n", 1000)
    assert answers == []
    assert isinstance(errors[0], HttpProtocolError)


def test_an_answer_cut_short_is_an_error() -> None:
    answers, errors = read_in_pieces(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", 1000, ends=True)
    assert answers == []
    assert len(errors) == 1


def test_headers_are_found_whatever_their_case() -> None:
    answers, _ = read_in_pieces(b"HTTP/1.1 429 X\r\nRETRY-after: 3\r\nContent-Length: 0\r\n\r\n", 1000)
    assert answers[0].header("Retry-After") == "3"
    assert answers[0].header("Location") is None


def test_percentiles_are_values_that_were_seen() -> None:
    spread = Spread.of(number * 1_000_000 for number in range(1, 101))
    assert (spread.count, spread.p50_ms, spread.p99_ms, spread.max_ms) == (100, 51, 100, 100)


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_masking_twice_gives_the_payload_back(payload: bytes, key: bytes) -> None:
    assert mask(mask(payload, key), key) == payload
    assert mask(payload, key) == bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


@given(st.binary(max_size=70_000), st.integers(min_value=0, max_value=20))
def test_frames_are_read_at_any_length_and_only_when_whole(payload: bytes, missing: int) -> None:
    size = len(payload)
    length = (
        bytes((size,))
        if size < 126
        else b"\x7e" + size.to_bytes(2, "big")
        if size < 65536
        else b"\x7f" + size.to_bytes(8, "big")
    )
    data = b"\x81" + length + payload
    assert next_frame(data, 0) == (1, True, payload, len(data))
    assert missing == 0 or next_frame(data[: max(0, len(data) - missing)], 0) is None


@pytest.mark.parametrize("start", [b"\x81\x80", b"\xc1\x00", b"\x81\x7f" + (1 << 40).to_bytes(8, "big")])
def test_frames_that_a_server_must_not_send_are_refused(start: bytes) -> None:
    with pytest.raises(SocketRefused):
        next_frame(start, 0)


class Caller:
    """Greets with nothing, and keeps what its one socket hears and why it is lost."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.lost: asyncio.Queue[str] = asyncio.Queue()
        self.greeted = asyncio.Event()

    def greet(self, _socket: Socket) -> bytes:
        self.greeted.set()
        return b""

    def on_message(self, _socket: Socket, payload: bytes, _at_ns: int) -> None:
        self.heard.put_nowait(payload)

    def on_lost(self, _socket: Socket, reason: str) -> None:
        self.lost.put_nowait(reason)


def against_websockets(
    behave: Callable[[ServerConnection], Awaitable[None]],
    act: Callable[[Sockets, Caller], Awaitable[Any]],
    *,
    tls: ssl.SSLContext | None = None,
    trusted: ssl.SSLContext | None = None,
) -> Any:
    """Run the client in an event loop against a server that is not ours, of the `websockets` library."""

    async def run() -> Any:
        async with serve(behave, "127.0.0.1", 0, ssl=tls) as server, asyncio.timeout(20):
            port = next(iter(server.sockets)).getsockname()[1]
            caller = Caller()
            sockets = Sockets(Target("127.0.0.1", port, tls=tls is not None), caller)
            if trusted is not None:
                sockets._tls = trusted
            sockets.open(1)
            sockets.run_in(asyncio.get_running_loop())
            try:
                await caller.greeted.wait()
                return await act(sockets, caller)
            finally:
                sockets.close()

    return asyncio.run(run())


async def echo(connection: ServerConnection) -> None:
    """Ping, then send everything back in fragments."""
    await (await connection.ping())
    async for message in connection:
        await connection.send([message[:2], message[2:]])


async def say_and_hear(sockets: Sockets, caller: Caller, size: int) -> bytes:
    sockets.send(sockets.all[0], text_message(b"x" * size))
    return await caller.heard.get()


@pytest.mark.parametrize("size", [10, 125, 126, 65_535, 65_536])
def test_a_foreign_server_pings_fragments_and_echoes(size: int) -> None:
    heard = against_websockets(echo, lambda sockets, caller: say_and_hear(sockets, caller, size))
    assert heard == b"x" * size


@pytest.mark.skipif(OPENSSL is None, reason="no openssl on this machine")
@pytest.mark.parametrize("size", [10, 200_000])
def test_the_same_goes_by_tls(size: int, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*authority.certify("localhost"))
    trusted = ssl.create_default_context(cafile=str(authority.certificate))
    trusted.check_hostname = False  # it is asked for by its address
    heard = against_websockets(
        echo, lambda sockets, caller: say_and_hear(sockets, caller, size), tls=tls, trusted=trusted
    )
    assert heard == b"x" * size


class Counting(asyncio.Protocol):
    """Answers each request with 202, and drops its connection after every third."""

    def __init__(self) -> None:
        self.answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert data.startswith(b"POST /x HTTP/1.1\r\nHost: 127.0.0.1:")
        self.answered += 1
        last = self.answered == 3
        extra = b"Connection: close\r\n" if last else b""
        self.transport.write(b"HTTP/1.1 202 X\r\n" + extra + b"Content-Length: 0\r\n\r\n")
        if last:
            self.transport.close()


def load(requests: int | None, seconds: float) -> LoadResult:
    async def run() -> LoadResult:
        server = await asyncio.get_running_loop().create_server(Counting, "127.0.0.1", 0)
        async with server:
            target = Target("127.0.0.1", server.sockets[0].getsockname()[1])
            request = build_request("POST", "/x", target)
            stream = itertools.repeat(request, requests) if requests else itertools.repeat(request)
            return await run_load(target, stream, connections=4, seconds=seconds)

    return asyncio.run(run())


def test_a_load_sends_every_request_over_connections_that_come_and_go() -> None:
    result = load(100, seconds=30)
    assert result.statuses == {202: 100}
    assert result.errors == 0
    assert len(result.latencies_ns) == 100
    assert result.per_second > 0


def test_a_load_without_end_stops_when_its_time_is_up() -> None:
    result = load(None, seconds=0.2)
    assert result.statuses[202] > 0
    assert set(result.statuses) == {202}
