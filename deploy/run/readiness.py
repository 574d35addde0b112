"""Asks `/readyz`, as any client would, until the shop serves."""

import http.client
import threading
from typing import Final

POLL_S: Final = 0.2
ANSWER_S: Final = 3.0
PATIENCE_S: Final = 30.0


class Readiness:
    """Asks `/readyz` from a thread of its own until it answers 200."""

    def __init__(self, host: str, port: int, *, token: str = "") -> None:
        self._host, self._port = host, port
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask_until_ready, name="readiness", daemon=True)
        self.last_answer = "no answer yet"

    @property
    def is_ready(self) -> bool:
        """Whether it answered 200 once."""
        return self._ready.is_set()

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._ended.set()

    def _ask_until_ready(self) -> None:
        while not self._ended.is_set():
            if self._ask():
                self._ready.set()
                return
            self._ended.wait(POLL_S)

    def _ask(self) -> bool:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_S)
        try:
            connection.request("GET", "/readyz", headers=self._headers)
            answer = connection.getresponse()
            self.last_answer = f"{answer.status} {answer.read(2000).decode(errors='replace')}".strip()
        except (OSError, http.client.HTTPException) as error:
            self.last_answer = str(error)
            return False
        finally:
            connection.close()
        return answer.status == http.client.OK
