"""The load of sockets counts what it hears: one answer each, in order, and nothing else passes for one."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from websockets import Origin
from websockets.sync.server import ServerConnection, serve

from benchmarks.http_wire import Target
from benchmarks.socket_load import SocketCrowd, connected
from benchmarks.ws_wire import SocketRefused
from web.sockets.transport.wire import text_frame

FIRST = [b"%d" % number for number in range(300)]  # more than are opened at once


@contextmanager
def served(handle: Callable[[ServerConnection], None]) -> Iterator[Target]:
    with serve(handle, "127.0.0.1", 0, compression=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Target("127.0.0.1", server.socket.getsockname()[1])
        server.shutdown()


def echo(client: ServerConnection) -> None:
    for message in client:
        client.ping()
        client.send(f"{message!s}!")


def test_each_socket_hears_its_own_answer_and_the_order_is_kept() -> None:
    with served(echo) as target, connected(target, FIRST) as crowd:
        assert crowd.welcomes == [one + b"!" for one in FIRST]
        asked = [b"x" * number for number in range(len(FIRST))]
        started = time.perf_counter()
        heard = crowd.ask(asked, seconds=20)
        assert heard.answers == [one + b"!" for one in asked]
        assert 0 < heard.seconds <= time.perf_counter() - started
        assert heard.per_second == len(FIRST) / heard.seconds


def test_two_answers_are_one_too_many() -> None:
    ours, peer = socket.socketpair()
    with ours, peer:
        peer.sendall(text_frame(b"one") + text_frame(b"two"))
        with pytest.raises(SocketRefused, match="two answers"):
            SocketCrowd([ours], [b""]).ask([b"?"], seconds=20)


def test_silence_is_no_answer() -> None:
    def silent(client: ServerConnection) -> None:
        client.send(client.recv())
        for _ in client:
            pass

    with (
        served(silent) as target,
        connected(target, FIRST[:2]) as crowd,
        pytest.raises(TimeoutError, match="2 sockets"),
    ):
        crowd.ask([b"?", b"?"], seconds=0.2)


def test_a_goodbye_is_no_answer() -> None:
    def leaving(client: ServerConnection) -> None:
        client.send(client.recv())
        client.recv()

    with served(leaving) as target, connected(target, FIRST[:2]) as crowd, pytest.raises(SocketRefused):
        crowd.ask([b"?", b"?"], seconds=20)


def test_who_is_not_let_in_is_an_error() -> None:
    with serve(echo, "127.0.0.1", 0, origins=[Origin("http://elsewhere")]) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        target = Target("127.0.0.1", server.socket.getsockname()[1])
        with pytest.raises(SocketRefused, match="403"), connected(target, FIRST[:1]):
            pass
        server.shutdown()
