"""deploy/server/gunicorn.py and its worker, with a small application: how a web process ends."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import websocket

from benchmarks.harness.processes import descendants, free_port
from tests.integration.embedded_run import DEADLINE_S, ROOT, wait_until

APPLICATION = """\
import gc
import gevent
from flask import Flask
from flask_sock import Sock

class Hub:
    def __init__(self):
        self.sockets = set()
    def close(self):
        for ws in list(self.sockets):
            ws.close(1001, "going away")
            ws.event.set()

def create_app():
    app = Flask(__name__)
    app.extensions["hub"] = hub = Hub()
    collected_at_first = gc.isenabled()

    @app.get("/quick")
    def quick():
        return "quick"

    @app.get("/slow")
    def slow():
        open("slow-began", "w").close()
        gevent.sleep(2)
        return "slow"

    @app.get("/collecting")
    def collecting():
        return f"{collected_at_first} {gc.isenabled()}"

    @app.get("/leaving")
    def leaving():
        return str(app.extensions["is_leaving"]())

    @Sock(app).route("/ws")
    def echo(ws):
        hub.sockets.add(ws)
        while True:
            ws.send(ws.receive())

    return app
"""


class Web:
    """A gunicorn with the project's settings."""

    def __init__(self, place: Path, *, application: str = APPLICATION, **more: str) -> None:
        (place / "small_shop.py").write_text(application)
        self.place = place
        self.port = free_port()
        self.log = place / "log"
        environment = {
            **os.environ,
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "DATA_DIR": str(place),
            "WEB_PROCESSES": "1",
            "PYTHONPATH": f"{place}{os.pathsep}{ROOT}",
            **more,
        }
        command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "deploy" / "server" / "gunicorn.py")]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "small_shop:create_app()"], cwd=place, env=environment, stdout=log, stderr=log
            )

    @contextlib.contextmanager
    def visit(self, path: str) -> Iterator[tuple[http.client.HTTPConnection, bytes]]:
        """Ask, and leave the connection open as browsers do."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request("GET", path)
            yield connection, connection.getresponse().read()
        finally:
            connection.close()

    @contextlib.contextmanager
    def watch(self) -> Iterator[websocket.WebSocket]:
        """Open a socket."""
        opened = websocket.create_connection(f"ws://127.0.0.1:{self.port}/ws", timeout=DEADLINE_S)
        try:
            yield opened
        finally:
            opened.shutdown()  # type: ignore[no-untyped-call]

    def get(self, path: str) -> bytes:
        """Ask, and take leave."""
        with self.visit(path) as (_, body):
            return body

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process that serves."""
        for pid in descendants(self.process.pid):
            os.kill(pid, number)

    def serves(self) -> bool:
        try:
            return self.get("/quick") == b"quick"
        except OSError:
            return False


@contextlib.contextmanager
def connected(web: Web) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", web.port), timeout=DEADLINE_S) as client:
        yield client


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    web = Web(tmp_path)
    wait_until(web.serves, web.log.read_text)
    yield web
    web.process.kill()
    web.process.wait()


def test_a_request_in_progress_is_answered_and_everyone_else_is_let_go(web: Web) -> None:
    answers: list[bytes] = []
    asking = threading.Thread(target=lambda: answers.append(web.get("/slow")))
    with web.visit("/quick") as (idle, _), web.watch() as socket:
        socket.send("hello")
        assert socket.recv() == "hello"
        asking.start()
        wait_until((web.place / "slow-began").exists)
        web.process.send_signal(signal.SIGTERM)
        opcode, data = socket.recv_data()
        assert (opcode, int.from_bytes(data[:2], "big")) == (websocket.ABNF.OPCODE_CLOSE, 1001)
        assert idle.sock is not None
        assert idle.sock.recv(1) == b""
        assert answers == []
        asking.join(DEADLINE_S)
    assert answers == [b"slow"]
    assert web.process.wait(DEADLINE_S) == 0
    assert "graceful timeout" not in web.log.read_text()


def test_before_it_stops_it_says_so_and_serves_everybody(tmp_path: Path) -> None:
    web = Web(tmp_path, DRAIN_SECONDS="300")
    try:
        wait_until(web.serves, web.log.read_text)
        assert web.get("/leaving") == b"False"
        web.process.send_signal(signal.SIGTERM)
        wait_until(lambda: web.get("/leaving") == b"True", web.log.read_text)
        assert web.serves()
        web.process.send_signal(signal.SIGTERM)  # a second one does not wait
        assert web.process.wait(DEADLINE_S) == 0
    finally:
        web.process.kill()
        web.process.wait()


def test_garbage_is_collected_once_it_has_started_and_not_before(web: Web) -> None:
    assert web.get("/collecting") == b"False True"


def test_it_refuses_a_driver_that_would_block_everybody(tmp_path: Path) -> None:
    blocking = "import psycopg.waiting\npsycopg.waiting.wait = psycopg.waiting.wait_c\n" + APPLICATION
    web = Web(tmp_path, application=blocking)
    try:
        assert web.process.wait(DEADLINE_S) == 4
    finally:
        web.process.kill()
        web.process.wait()
    assert "psycopg was imported before gevent patched" in web.log.read_text()
