"""Reads the head of a request that is plain in every respect; anything else is for gunicorn to read.

httptools (llhttp, strict) reads the lines. Whatever it and gunicorn could read differently is not plain: a
header that comes twice, one with `_` in its name, a length beside another framing, a request line or a host
that is odd in any way. So a byte has one meaning for all who read it.
"""

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple
from wsgiref.types import WSGIEnvironment

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from web.http.hosts import is_sane_host

MOST_HEADERS: Final = 60  # gunicorn takes 100
LONGEST_NAME: Final = 64  # characters
_END: Final = b"\r\n\r\n"

_TARGET: Final = re.compile(rb"/[A-Za-z0-9/._-]*").fullmatch
_UNPREFIXED: Final = {"CONTENT_TYPE", "CONTENT_LENGTH"}
_FOR_OTHERS: Final = {  # they ask for another framing, another protocol, or say by what scheme it came
    "TRANSFER_ENCODING",
    "TRAILER",
    "TE",
    "EXPECT",
    "UPGRADE",
    "HTTP2_SETTINGS",
    "X_FORWARDED_PROTOCOL",
    "X_FORWARDED_SSL",
}


class Head(NamedTuple):
    """A head as a WSGI environment, as far as it is looked at, and how many bytes it takes."""

    environ: WSGIEnvironment
    size: int


class _Lines:
    """What httptools calls with what it has read."""

    __slots__ = ("count", "environ", "is_plain", "target")

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.target = b""
        self.count = 0
        self.is_plain = True

    def on_url(self, part: bytes) -> None:
        """Take a part of the target."""
        self.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        key = _key_of(name) if len(name) <= LONGEST_NAME else None
        if key is None or key in self.environ:
            self.is_plain = False
            return
        self.count += 1
        self.environ[key] = value.decode("latin-1").strip(" \t")


def read_head(said: bytes, address: Any) -> Head | None:
    """Read the head of what has come; None where it has not come whole, or is not plain."""
    size = said.find(_END) + len(_END)
    if size < len(_END):
        return None
    head = said[:size]
    environ: WSGIEnvironment = {
        "REMOTE_ADDR": address[0] if isinstance(address, tuple) else "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "QUERY_STRING": "",
        "wsgi.url_scheme": "http",
    }
    lines = _Lines(environ)
    parser = HttpRequestParser(lines)
    try:
        parser.feed_data(head)
    except (HttpParserError, HttpParserUpgrade):
        return None
    method = parser.get_method()
    if not (_TARGET(lines.target) and head.startswith(b"%b %b HTTP/1.1\r\n" % (method, lines.target))):
        return None
    if not lines.is_plain or not lines.count == head.count(b"\n") - 2 <= MOST_HEADERS:
        return None
    environ["REQUEST_METHOD"] = method.decode()
    environ["PATH_INFO"] = environ["RAW_URI"] = lines.target.decode()
    return Head(environ, size) if _is_kept(environ) and is_sane_host(environ.get("HTTP_HOST", "")) else None


def headers_of(environ: WSGIEnvironment) -> list[tuple[str, str]]:
    """The headers of a plain request, named as gunicorn names them."""
    found = [(key.removeprefix("HTTP_"), value) for key, value in environ.items() if key.startswith("HTTP_")]
    found += [(key, environ[key]) for key in _UNPREFIXED if key in environ]
    return [(name.replace("_", "-"), value) for name, value in found]


@lru_cache(maxsize=1024)
def _key_of(name: bytes) -> str | None:
    """Name a header as WSGI does; None where it is not for a plain request."""
    key = name.decode("ascii").upper().replace("-", "_")
    if b"_" in name or key in _FOR_OTHERS:
        return None
    return key if key in _UNPREFIXED else f"HTTP_{key}"


def _is_kept(environ: WSGIEnvironment) -> bool:
    """Whether the connection stays: who wants to end it is gunicorn's."""
    said: str | None = environ.get("HTTP_CONNECTION")
    return said is None or said.lower() == "keep-alive"
