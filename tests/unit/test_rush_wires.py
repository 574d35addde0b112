"""The crowd's own HTTP and WebSocket clients read what servers may send, whole or in pieces."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.http_load import LoadResult, percentile, run_load
from benchmarks.http_wire import HttpConnection, HttpProtocolError, Response, Target, build_request
from benchmarks.ws_wire import PING, SocketRefused, WebSocket, client_frame, mask, next_frame, open_socket


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


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)])
def test_percentiles_are_values_that_were_seen(share: float, value: int) -> None:
    assert percentile(range(1, 101), share) == value


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


def against_websockets(
    behave: Callable[[ServerConnection], Awaitable[None]], act: Callable[[Target], Awaitable[Any]]
) -> Any:
    """Run a client against the `websockets` library's server, an implementation that is not ours."""

    async def run() -> Any:
        async with serve(behave, "127.0.0.1", 0) as server, asyncio.timeout(10):
            port = next(iter(server.sockets)).getsockname()[1]
            return await act(Target("127.0.0.1", port))

    return asyncio.run(run())


async def echo(connection: ServerConnection) -> None:
    """Ping, then send everything back in fragments."""
    await (await connection.ping())
    async for message in connection:
        await connection.send([message[:2], message[2:]])


@pytest.mark.parametrize("size", [10, 125, 126, 65_535, 65_536])
def test_a_foreign_server_pings_fragments_and_echoes(size: int) -> None:
    async def act(target: Target) -> bytes:
        heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        socket = await open_socket(target, heard.set_result, lambda _: None)
        socket.send(b"x" * size)
        got = await heard
        socket.close()
        return got

    assert against_websockets(echo, act) == b"x" * size


def test_a_socket_that_the_server_closes_is_reported_lost_once() -> None:
    async def leave(connection: ServerConnection) -> None:
        await connection.close(1001, "going away")

    async def act(target: Target) -> str:
        lost: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        await open_socket(target, lambda _: None, lost.set_result)
        return str(await lost)

    assert "going away" in against_websockets(leave, act)


def test_a_server_that_does_not_upgrade_is_said() -> None:
    async def run() -> None:
        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 404 NOT FOUND\r\nContent-Length: 0\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(SocketRefused, match="404 NOT FOUND"):
                await open_socket(Target("127.0.0.1", port), lambda _: None, lambda _: None)

    asyncio.run(run())


def test_control_frames_are_masked_and_final() -> None:
    frame = client_frame(PING, b"hi")
    assert frame[0] == 0x89
    assert frame[1] == 0x82
    assert mask(frame[6:], frame[2:6]) == b"hi"
    assert issubclass(WebSocket, asyncio.Protocol)


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
