"""Posts over a connection that is kept as long as the other end keeps it, as a provider's servers do."""

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import SplitResult, urlsplit

MOST_READ: Final = 64 * 1024  # bytes of an answer; after a longer one the connection is not used again


class Poster:
    """One connection of one thread."""

    def __init__(self) -> None:
        self._connection: HTTPConnection | None = None

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> int:
        """POST a body and return the status of the answer; follows no redirects. All go to the same URL.

        Raises:
            OSError, HTTPException: no answer. ValueError: the URL is invalid.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"Not an HTTP address: {url}")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if self._connection is not None:
            try:
                return self._post(self._connection, path, body, headers)
            except (ConnectionError, HTTPException):
                self.close()  # the other end had closed it meanwhile: that is no answer yet
        self._connection = _connect(parts, timeout_s)
        return self._post(self._connection, path, body, headers)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _post(self, connection: HTTPConnection, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        is_kept = False
        try:
            connection.request("POST", path, body, dict(headers))
            with connection.getresponse() as answer:
                answer.read(MOST_READ)
                is_kept = answer.isclosed() and not answer.will_close
                return answer.status
        finally:
            if not is_kept:
                self.close()


def _connect(parts: SplitResult, timeout_s: float) -> HTTPConnection:
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    return connect(parts.hostname or "", parts.port, timeout=timeout_s)
