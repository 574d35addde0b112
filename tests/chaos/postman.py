"""Delivers the sandbox's webhooks to the shop; can delay them, or lose the shop's answers.

It delivers raw bodies and signatures as they are, and writes down which webhook the shop took.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import orjson

from benchmarks.client.http_wire import Target
from tests.chaos.history import Recorder

PATH: Final = "/api/v1/payments/webhooks/sandbox"
CARRIED: Final = ("Content-Type", "Sandbox-Signature")
PATIENCE_S: Final = 4.0  # below the sandbox's own
HOLD: Final = "hold_webhooks"
LOSE: Final = "lose_webhook_answers"


class Postman:
    """One HTTP server in a thread, between the sandbox and the shop."""

    def __init__(self, target: Target, recorder: Recorder) -> None:
        self._target = target
        self._recorder = recorder
        self._faults: dict[str, float] = {}  # a fault → until when it lasts, by the monotonic clock
        self._strikes: deque[Callable[[], None]] = deque()
        self._server = ThreadingHTTPServer((target.host, 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where the sandbox is to send its webhooks."""
        return f"http://{self._target.host}:{self._server.server_address[1]}{PATH}"

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """Stop delivering."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def suffer(self, fault: str, for_s: float) -> None:
        """Hold webhooks up, or lose the answers to them, for a while."""
        self._faults[fault] = time.monotonic() + for_s

    def at_next(self, strike: Callable[[], None]) -> None:
        """Do something while the shop takes the next webhook."""
        self._strikes.append(strike)

    def calm(self) -> None:
        """Deliver everything normally from now on."""
        self._faults.clear()
        self._strikes.clear()

    def carry(self, body: bytes, headers: dict[str, str]) -> int | None:
        """Deliver one webhook; the status to answer with, None where the answer is lost."""
        if self._suffers(HOLD):
            self._note(body, answer=0, held=True)
            return 503
        status = self._deliver(body, headers)
        is_lost = self._suffers(LOSE)
        self._note(body, answer=status, lost=is_lost)
        return None if is_lost or status == 0 else status

    def _suffers(self, fault: str) -> bool:
        return time.monotonic() < self._faults.get(fault, 0.0)

    def _deliver(self, body: bytes, headers: dict[str, str]) -> int:
        connection = HTTPConnection(self._target.host, self._target.port, timeout=PATIENCE_S)
        try:
            connection.request("POST", PATH, body, {**headers, "Connection": "close"})
            if self._strikes:
                self._strikes.popleft()()
            with connection.getresponse() as response:
                return response.status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()

    def _note(self, body: bytes, **value: Any) -> None:
        said = orjson.loads(body)
        data = said["data"]
        self._recorder.note(
            "webhook", event=said["id"], kind=said["type"], payment=data["payment_id"], **value
        )


def _handler_of(postman: Postman) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One webhook on its way."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = postman.carry(body, {name: self.headers[name] for name in CARRIED})
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: what happened is in the history."""

    return Handler
