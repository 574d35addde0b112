"""deploy/server/plain_requests.py under gunicorn: who reads which bytes, in what order, and how it ends."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.embedded_run import DEADLINE_S, wait_until
from tests.integration.test_embedded_gunicorn import Web, connected

APPLICATION = """\
import gevent
from flask import Flask, request
from deploy.server import patience

patience.HEAD = patience.Pace(0.5, 500, 1.5)
order = []

class Written:
    status, headers, sent = "200 OK", [], 2
    def __init__(self, word):
        self.packed = b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%b" % (len(word), word)

class Taken:
    headers, environ = [], {}
    def __init__(self, said):
        self.word, self.size = said[9:11].decode(), said.index(b"\\r\\n\\r\\n") + 4
    def answer(self):
        order.append(self.word)
        if self.word == "zz":
            open("slow-began", "w").close()
            gevent.sleep(1)
        return Written(b"plain:" + self.word.encode())

class Taker:
    def take(self, said, address):
        return Taken(said) if said.startswith(b"GET /take") and b"\\r\\n\\r\\n" in said else None

def create_app():
    app = Flask(__name__)
    app.extensions["plain"] = Taker()

    @app.get("/quick")
    def quick():
        return "quick"

    @app.get("/order")
    def tell():
        return " ".join(order)

    @app.post("/echo")
    def echo():
        return b"echo:" + request.get_data()

    @app.post("/blind")
    def blind():
        return "blind"

    @app.get("/take<word>")
    def reference(word):
        return "flask:" + word

    return app
"""


def take(word: str, more: str = "") -> bytes:
    return f"GET /take{word} HTTP/1.1\r\nHost: shop\r\n{more}\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: shop\r\nContent-Length: %d\r\n\r\n%b" % (
        path.encode(),
        len(body),
        body,
    )


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    web = Web(tmp_path, application=APPLICATION)
    wait_until(web.serves, web.log.read_text)
    yield web
    web.process.kill()
    web.process.wait()


def hear(client: socket.socket, last: bytes) -> list[str]:
    """The bodies of what is answered, up to one."""
    said = b""
    while not said.endswith(last):
        part = client.recv(65536)
        assert part, said
        said += part
    return [part.rpartition(b"\r\n\r\n")[2].decode() for part in said.split(b"HTTP/1.1 ")[1:]]


def test_each_byte_is_read_once_whoever_reads_it(web: Web) -> None:
    """What looks like a plain request is none where it is part of a body, or was read with another."""
    hidden = take("hh")
    with connected(web) as client:
        client.sendall(take("aa") + take("bb") + post("/echo", hidden) + take("cc"))
        bodies = hear(client, b"cc")
        assert bodies[:2] == ["plain:aa", "plain:bb"]
        assert bodies[-1] in {"plain:cc", "flask:cc"}  # gunicorn may have read it with the one before
        client.sendall(post("/blind", hidden))
        assert hear(client, b"blind") == ["blind"]
        client.sendall(take("dd"))
        assert hear(client, b"dd") == ["flask:dd"]  # gunicorn has yet to pass by the body that nobody read
        client.sendall(take("ee"))
        assert hear(client, b"ee") == ["plain:ee"]
        client.sendall(b"GET /quick HTTP/1.1\r\nHo")
        with connected(web) as other:  # the first has been looked at before this one is answered
            other.sendall(take("ff"))
            assert hear(other, b"ff") == ["plain:ff"]
        client.sendall(b"st: shop\r\n\r\n")
        assert hear(client, b"quick") == ["quick"]
    assert "hh" not in web.get("/order").decode()


def test_connections_that_ask_without_a_pause_take_turns(web: Web) -> None:
    """While the process stands still, one asks forty times, and others once: before it and after it."""
    with connected(web) as early, connected(web) as hasty, connected(web) as late:
        for client in (early, hasty, late):
            client.sendall(take("00"))
            hear(client, b"00")
        web.signal(signal.SIGSTOP)
        early.sendall(take("ee"))
        hasty.sendall(b"".join(take(f"{number:02}") for number in range(10, 50)))
        late.sendall(take("ll"))
        web.signal(signal.SIGCONT)
        assert len(hear(hasty, b"49")) == 40
        hear(early, b"ee")
        hear(late, b"ll")
    order = web.get("/order").decode().split()
    assert max(order.index("ee"), order.index("ll")) <= order.index("12")


def test_a_head_that_trickles_in_is_a_408(web: Web) -> None:
    with connected(web) as client:
        client.sendall(take("aa") + take("bb")[:-2])
        said = b""
        while part := client.recv(65536):
            said += part
    assert said.count(b"plain:aa") == 1
    assert b"HTTP/1.1 408 " in said


def test_a_request_in_progress_is_answered_and_who_is_idle_is_let_go(web: Web) -> None:
    with connected(web) as idle, connected(web) as busy:
        idle.sendall(take("aa"))
        hear(idle, b"aa")
        busy.sendall(take("zz"))
        wait_until((web.place / "slow-began").exists)
        web.process.send_signal(signal.SIGTERM)
        assert idle.recv(1) == b""
        assert hear(busy, b"zz") == ["plain:zz"]
        assert busy.recv(1) == b""
    assert web.process.wait(DEADLINE_S) == 0
    assert "graceful timeout" not in web.log.read_text()
