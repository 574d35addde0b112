"""Finishes what is answered at a connection as gunicorn, Flask and the middleware finish theirs."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from typing import Final
from wsgiref.types import WSGIEnvironment

from gunicorn import SERVER  # type: ignore[import-untyped]
from werkzeug.http import HTTP_STATUS_CODES

from web.connection.head import headers_of
from web.http.errors import TOLD, broken, tell
from web.http.middleware import finish
from web.http.reply import Headers, Reply
from web.http.request_id import answered_here, read_request_id
from web.metrics.requests import observe, route_of

_STATUSES: Final = {code: f"{code} {words.upper()}" for code, words in HTTP_STATUS_CODES.items()}


@dataclass(frozen=True, slots=True)
class Written:
    """An answer as it is sent, and what the log of accesses says of it."""

    packed: bytes
    status: str
    headers: Headers
    sent: int  # bytes of the body


@dataclass(frozen=True, slots=True)
class Taken:
    """A request that is to be answered here: so many bytes of what has come are it."""

    environ: WSGIEnvironment
    size: int
    reply: Callable[[], Reply]
    always: Iterable[tuple[str, str]]
    logger: logging.Logger
    began: float = field(default_factory=time.perf_counter)

    @property
    def headers(self) -> Headers:
        """The request's headers."""
        return headers_of(self.environ)

    def answer(self) -> Written:
        """Do what is asked, and write the answer. A failure is an answer too."""
        request_id = read_request_id(self.environ)
        before = answered_here.set(request_id)  # for the log lines
        try:
            reply = self._reply()
        finally:
            answered_here.reset(before)
        finish(reply.status, reply.headers, self.always, request_id)
        method = self.environ["REQUEST_METHOD"]
        observe(method, route_of(self.environ), reply.status, time.perf_counter() - self.began)
        return _write(reply, has_body=method != "HEAD")

    def _reply(self) -> Reply:
        try:
            return self.reply()
        except TOLD as error:
            return tell(error)
        except Exception:
            where = f"{self.environ['PATH_INFO']} [{self.environ['REQUEST_METHOD']}]"
            self.logger.exception("Exception on %s", where)  # in Flask's words
            return broken()


def _write(reply: Reply, *, has_body: bool) -> Written:
    status = _STATUSES[reply.status]
    lines = "".join([f"{name}: {value}\r\n" for name, value in reply.headers])
    date = _date(int(time.time()))
    head = f"HTTP/1.1 {status}\r\nServer: {SERVER}\r\nDate: {date}\r\nConnection: keep-alive\r\n{lines}\r\n"
    body = reply.body if has_body else b""
    return Written(head.encode("latin-1") + body, status, reply.headers, len(body))


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
