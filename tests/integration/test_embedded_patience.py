"""deploy/server/patience.py under gunicorn, over raw sockets: slow senders and readers are not waited for."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.embedded_run import wait_until
from tests.integration.test_embedded_gunicorn import Web, connected

APPLICATION = """\
from flask import Flask, request

import deploy.server.gevent_worker
import deploy.server.silent_connections
from deploy.server import patience
from deploy.server.patience import Pace

patience.HEAD = Pace(0.5, 500, 1.5)
patience.BODY = Pace(0.5, 500, 3.0)
patience.ANSWER = Pace(0.5, 1000)
deploy.server.gevent_worker.FIRST_S = 3.0
deploy.server.silent_connections.MOST_SILENT = 5
ended = []

def create_app():
    app = Flask(__name__)

    @app.get("/quick")
    def quick():
        return "quick"

    @app.get("/ended")
    def tell():
        return "".join(ended)

    @app.post("/echo")
    def echo():
        return request.get_data()

    @app.get("/huge")
    def huge():
        def pieces():
            try:
                for _ in range(1000):
                    yield b"x" * 100_000
            finally:
                ended.append("huge ")
        return pieces()

    return app
"""
POST = b"POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000\r\n\r\n"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    place: Path = tmp_path_factory.mktemp("web")
    web = Web(place, application=APPLICATION)
    wait_until(web.serves, web.log.read_text)
    yield web
    web.process.kill()
    web.process.wait()


@contextlib.contextmanager
def trickling(client: socket.socket, piece: bytes) -> Iterator[None]:
    """Go on sending a piece ten times a second, until the server or the test has enough."""
    stop = threading.Event()

    def trickle() -> None:
        with contextlib.suppress(OSError):
            while not stop.wait(0.1):
                client.sendall(piece)

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def read_to_the_end(client: socket.socket) -> bytes:
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65536):
            said += piece
    return said


def test_who_says_nothing_is_let_go(web: Web) -> None:
    with connected(web) as client:
        assert client.recv(1) == b""


def test_of_many_who_say_nothing_the_oldest_is_let_go_and_who_speaks_is_served(web: Web) -> None:
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connected(web)) for _ in range(6)]
        assert silent[0].recv(1) == b""
        silent[5].setblocking(False)
        with pytest.raises(BlockingIOError):
            silent[5].recv(1)
        assert web.get("/quick") == b"quick"


@pytest.mark.parametrize("piece", [b"", b"a", b"X-Filler: 1\r\n"])
def test_a_head_that_trickles_in_is_a_408(web: Web, piece: bytes) -> None:
    with connected(web) as client:
        client.sendall(b"GET /quick HTTP/1.1\r\nHost: shop\r\n")
        with trickling(client, piece):
            said = read_to_the_end(client)
    assert said.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("piece", [b"", b"a"])
def test_a_body_that_trickles_in_is_a_408(web: Web, piece: bytes) -> None:
    with connected(web) as client:
        client.sendall(POST)
        with trickling(client, piece):
            assert read_to_the_end(client).startswith(b"HTTP/1.1 408 ")


def test_chunks_that_trickle_in_end_too_however_many_they_are(web: Web) -> None:
    with connected(web) as client:
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n")
        with trickling(client, b"1;" + b"x=" + b"y" * 200 + b"\r\na\r\n"):
            assert read_to_the_end(client).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_nobody_reads_is_not_drained_for_ever(web: Web) -> None:
    with connected(web) as client:
        client.sendall(b"POST /nowhere HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000000\r\n\r\n")
        with trickling(client, b"a"):
            assert read_to_the_end(client).startswith(b"HTTP/1.1 404 ")


def test_a_slow_and_steady_body_is_waited_for(web: Web) -> None:
    with connected(web) as client:
        client.sendall(POST)
        with trickling(client, b"a" * 100):
            said = b""
            while not said.endswith(b"a" * 1000):
                piece = client.recv(65536)
                assert piece, said
                said += piece
    assert said.startswith(b"HTTP/1.1 200 ")


def test_a_reader_who_never_reads_is_cut_off(web: Web) -> None:
    with connected(web) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /huge HTTP/1.1\r\nHost: shop\r\n\r\n")
        wait_until(lambda: web.get("/ended") == b"huge ", web.log.read_text)
    assert "Traceback" not in web.log.read_text()


def test_a_connection_is_kept_between_requests(web: Web) -> None:
    with connected(web) as client:
        for _ in range(3):
            client.sendall(b"GET /quick HTTP/1.1\r\nHost: shop\r\n\r\n")
            said = b""
            while not said.endswith(b"quick"):
                said += client.recv(65536)
            assert said.startswith(b"HTTP/1.1 200 ")
