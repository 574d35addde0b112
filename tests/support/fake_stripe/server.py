"""The fake's HTTP server: form-encoded requests in, JSON out, with keys, faults and the script."""

import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import orjson

from tests.support.fake_stripe import faults
from tests.support.fake_stripe.answers import Answer, Object, Refused
from tests.support.fake_stripe.books import Books
from tests.support.fake_stripe.faults import Faults
from tests.support.fake_stripe.keys import Keys
from tests.support.fake_stripe.routes import answer_to
from tests.support.fake_stripe.script import SCRIPT, frame

SECRET_KEY: Final = "sk_test_fake"
LIMITED: Final = {
    faults.LIMITED: Refused(429, "rate_limit_error", "rate_limit", is_kept=False),
    faults.LOCKED: Refused(429, "invalid_request_error", "lock_timeout", is_kept=False),
}
BROKEN: Final = Answer(500, {"error": {"type": "api_error", "message": "Something broke at the fake."}})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a crowd connects at one instant


class FakeStripe:
    """A Stripe on loopback: `with FakeStripe() as fake: … fake.url`."""

    def __init__(self) -> None:
        self.books, self.keys, self.faults = Books(), Keys(), Faults()
        self.secret_key = SECRET_KEY
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.has_search = True
        self.go_on = threading.Event()  # lets requests go that hang
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "FakeStripe":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def asked(self, request: str) -> int:
        """How often something was asked, e.g. `POST /v1/payment_intents/*/confirm`."""
        return self.requests.count(request)

    def work(self, verb: str, path: str, params: Object, key: str | None) -> tuple[Answer, bool, str]:
        """Answer a request; returns whether the answer is an old one, and what goes wrong on its way back."""
        name = plain(verb, path)
        fault = self.faults.next(name)
        if fault == faults.CUT_BEFORE:
            return BROKEN, False, fault
        if fault in LIMITED:
            return LIMITED[fault].answer(), False, ""
        try:
            kept = self.keys.begin(key, (name, path, params)) if key else None
        except Refused as refused:
            return refused.answer(), False, ""
        if kept is not None:
            return kept, True, fault
        if fault == faults.SLOW:
            self.go_on.wait(30)
        answer = BROKEN if fault == faults.BROKEN else self._do(verb, path, params)
        if fault == faults.BROKEN_AFTER:
            answer = BROKEN
        if key:
            self.keys.end(key, answer)
        return answer, False, fault

    def _do(self, verb: str, path: str, params: Object) -> Answer:
        with self.books.lock:
            try:
                done = answer_to(self.books, verb, path, params, has_search=self.has_search)
                return Answer(200, orjson.loads(orjson.dumps(done)))
            except Refused as refused:
                answer = refused.answer()
                return Answer(answer.status, orjson.loads(orjson.dumps(answer.body)), answer.is_kept)


def plain(verb: str, path: str) -> str:
    """Name a request without the names of objects."""
    words = ["*" if "_" in word and any(map(str.isdigit, word)) else word for word in path.split("/")]
    return f"{verb} {'/'.join(words)}"


def unfold(pairs: list[tuple[str, str]]) -> Object:
    """Read `metadata[payment_id]=x` as `{"metadata": {"payment_id": "x"}}`."""
    found: Object = {}
    for name, value in pairs:
        head, *rest = name.replace("]", "").split("[")
        place, words = found, [head, *rest]
        for word in words[:-1]:
            place = place.setdefault(word, {})
        place[words[-1]] = value
    return found


def _handler_of(fake: FakeStripe) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are sent apart: the latter would wait 40 ms

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/v3/":
                self._send(200, SCRIPT.encode(), "text/javascript")
            elif parts.path.startswith("/frame/"):
                self._send(200, frame(parts.path.removeprefix("/frame/")).encode(), "text/html")
            else:
                self._answer("GET", parts.path, unfold(parse_qsl(parts.query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            if self.path.startswith("/browser/"):
                with suppress(Refused):
                    fake.books.go_on(self.path.split("/")[2], is_fine=body != "no")
                self._send(200, b"{}", "application/json")
            else:
                self._answer("POST", self.path, unfold(parse_qsl(body, keep_blank_values=True)))

        def _answer(self, verb: str, path: str, params: Object) -> None:
            fake.requests.append(plain(verb, path))
            fake.headers.append({name.lower(): value for name, value in self.headers.items()})
            if self.headers["Authorization"] != f"Bearer {fake.secret_key}":
                refused = Refused(401, "invalid_request_error", "api_key_invalid").answer()
                self._send(401, orjson.dumps(refused.body), "application/json")
                return
            answer, is_old, fault = fake.work(verb, path, params, self.headers["Idempotency-Key"])
            self._go_wrong(fault)
            if fault in (faults.CUT_BEFORE, faults.CUT_AFTER):
                return
            more = {"Idempotent-Replayed": "true"} if is_old else {}
            body = b"<html>504" if fault == faults.NONSENSE else orjson.dumps(answer.body)
            status = 504 if fault == faults.NONSENSE else answer.status
            self._send(status, body, "application/json", **more)

        def _go_wrong(self, fault: str) -> None:
            if fault == faults.HANG:
                fake.go_on.wait(30)
            if fault in (faults.CUT_BEFORE, faults.CUT_AFTER):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

        def _send(self, status: int, body: bytes, kind: str, **more: str) -> None:
            with suppress(ConnectionError):
                self.send_response(status)
                told = {"Content-Type": kind, "Content-Length": str(len(body)), "Request-Id": "req_fake"}
                for name, value in {**told, "Access-Control-Allow-Origin": "*", **more}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
