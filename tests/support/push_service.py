"""A push service for tests: it checks signatures, decrypts for its browsers, and refuses or hangs as told."""

import base64
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from uuid import UUID, uuid4

import http_ece
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import decode
from py_vapid import Vapid02
from py_vapid.utils import b64urldecode

from config import PushSettings
from tasks.notices.browsers import Browser
from tasks.push.vapid import make_keys

HANG: Final = 0  # instead of a status
AUTH: Final = bytes(range(16))


def push_settings() -> PushSettings:
    """Keys of a test."""
    keys = make_keys()
    return PushSettings(keys.public, keys.private, "mailto:shop@example.com")


def push_keys() -> dict[str, str]:
    """The same as a platform's environment has them."""
    keys = make_keys()
    return {"VAPID_PUBLIC_KEY": keys.public, "VAPID_PRIVATE_KEY": keys.private}


def plain(data: bytes) -> str:
    """URL-safe Base64 without padding, as browsers write it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Heard:
    """A push as a browser got it, and what the service was told about it."""

    browser: str
    said: dict[str, Any]
    headers: Mapping[str, str]
    claims: Mapping[str, Any]


@dataclass
class PushService:
    """What came, and what is answered: in turn what a browser's queue says, and then that it is taken."""

    heard: list[Heard] = field(default_factory=list)
    answers: dict[str, deque[tuple[int, str]]] = field(default_factory=lambda: defaultdict(deque))
    asked: list[str] = field(default_factory=list)
    hanging: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go_on: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    _keys: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict)

    def browser(self) -> Browser:
        """A new browser with keys of its own."""
        name, key = uuid4().hex, ec.generate_private_key(ec.SECP256R1())
        self._keys[name] = key
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        endpoint = f"http://127.0.0.1:{self.port}/{name}"
        return Browser(endpoint, plain(point), plain(AUTH), "Browser of a test")

    def answer(self, browser: Browser, status: int, retry_after: str = "") -> None:
        """Answer its next push so, or hang."""
        self.answers[name_of(browser)].append((status, retry_after))

    def told(self, browser: Browser) -> list[dict[str, Any]]:
        """What a browser heard."""
        return [one.said for one in self.heard if one.browser == name_of(browser)]

    def take(self, name: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Take a push as a service does; what is not signed or encrypted rightly is refused."""
        self.asked.append(name)
        status, retry_after = self.answers[name].popleft() if self.answers[name] else (201, "")
        if status == HANG:
            self.hanging.release()
            self.go_on.wait(30)
        elif status == 201:
            said = http_ece.decrypt(body, private_key=self._keys[name], auth_secret=AUTH, version="aes128gcm")
            claims = self._claims(headers["Authorization"])
            self.heard.append(Heard(name, orjson.loads(said), headers, claims))
        return status or 201, retry_after

    def _claims(self, authorization: str) -> Mapping[str, Any]:
        """Who signed, and for whom."""
        assert Vapid02.verify(authorization)
        signed = dict(part.split("=", 1) for part in authorization.removeprefix("vapid ").split(","))
        claims = decode(signed["t"], options={"verify_signature": False})
        assert claims["aud"] == f"http://127.0.0.1:{self.port}"
        assert len(b64urldecode(signed["k"].encode())) == 65
        return claims


def name_of(browser: Browser) -> str:
    """What the service calls a browser."""
    return browser.endpoint.rpartition("/")[2]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a hundred come at once


@contextmanager
def push_service_open() -> Iterator[PushService]:
    """Run a service on a port of its own."""
    service = PushService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, retry_after = service.take(self.path.rpartition("/")[2], dict(self.headers), body)
            self.send_response(status)
            for name, value in (("Retry-After", retry_after), ("Location", "http://127.0.0.1:9/")):
                if value and (name == "Retry-After" or status in (301, 307)):
                    self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    service.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


def nobodys_family() -> UUID:
    """A log-in that the ledger does not know."""
    return uuid4()
