"""Finishes every answer: the request's id, the security headers, the measurement.

Done around the app and on a plain list of headers, not in Flask's hooks: the hot route is counted in
microseconds, and werkzeug's headers alone would take 40 of them.
"""

import http
import time
from collections.abc import Callable, Iterable
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask

from config import Settings
from web.http.errors import Problem, tell_problem, unread
from web.http.reply import Headers
from web.http.request_id import HEADER, REQUEST_ID, read_request_id
from web.metrics.requests import observe, route_of

UNREAD: Final = "unread"  # its name among the app's extensions, by which the worker finds it

CONTENT_POLICY: Final = (
    "default-src 'self'; img-src 'self' data: https:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_ALWAYS: Final = (("X-Content-Type-Options", "nosniff"),)
_ON_DOCUMENTS: Final = (("Referrer-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"))
_DATA: Final = ("application/json", "application/problem+json")  # what no browser shows as a document
_TLS_ONLY: Final = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
_ACCEPTED: Final = 202  # what answers a POST is kept by nobody who is not told to, and holds no secret
_NOT_KEPT: Final = ("Cache-Control", "no-store")


def register(app: Flask, settings: Settings) -> None:
    """Let every answer of the app be finished."""
    always = headers_of_all(settings)
    app.extensions[UNREAD] = lambda status: whole_answer(unread(status), {}, always)
    app.wsgi_app = _finishing(app.wsgi_app, always)  # type: ignore[method-assign,assignment]


def headers_of_all(settings: Settings) -> Iterable[tuple[str, str]]:
    """The security headers that every answer carries, whichever code writes it."""
    return (*_ALWAYS, _TLS_ONLY) if settings.is_production else _ALWAYS


def whole_answer(problem: Problem, environ: WSGIEnvironment, always: Iterable[tuple[str, str]]) -> bytes:
    """Write a problem as the app would tell it, for a connection that ends before it comes to the app."""
    reply = tell_problem(problem)
    finish(reply.status, reply.headers, always, read_request_id(environ))
    lines = "".join(f"{name}: {value}\r\n" for name, value in (*reply.headers, ("Connection", "close")))
    return (
        f"HTTP/1.1 {reply.status} {http.HTTPStatus(reply.status).phrase}\r\n{lines}\r\n".encode() + reply.body
    )


def finish(status: int, headers: Headers, always: Iterable[tuple[str, str]], request_id: str) -> None:
    """Add what every answer carries to the headers of one."""
    said = dict(headers)
    headers.extend(always)
    headers.append((HEADER, request_id))
    if "Cache-Control" not in said and status != _ACCEPTED:
        headers.append(_NOT_KEPT)
    if said.get("Content-Type") not in _DATA:
        headers.extend(_ON_DOCUMENTS)
        if "Content-Security-Policy" not in said:
            headers.append(("Content-Security-Policy", CONTENT_POLICY))


def _finishing(inner: WSGIApplication, always: Iterable[tuple[str, str]]) -> WSGIApplication:
    def finishing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        received = time.perf_counter()
        request_id = environ[REQUEST_ID] = read_request_id(environ)

        def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
            code = int(status[:3])
            finish(code, headers, always, request_id)
            observe(environ["REQUEST_METHOD"], route_of(environ), code, time.perf_counter() - received)
            return start_response(status, headers, exc_info)

        return inner(environ, start)

    return finishing
