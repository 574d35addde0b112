"""How an answer at the connection is written, also where nobody foresaw what happened."""

import json
import logging

import pytest

from web.connection.answering import Taken
from web.http.reply import Reply
from web.metrics.requests import ROUTE

ALWAYS = (("X-Content-Type-Options", "nosniff"),)


def taken(answer: Reply | Exception, method: str = "GET") -> Taken:
    def reply() -> Reply:
        if isinstance(answer, Exception):
            raise answer
        return answer

    environ = {"REQUEST_METHOD": method, "PATH_INFO": "/thing", "HTTP_X_REQUEST_ID": "mine", ROUTE: "/thing"}
    return Taken(environ, 10, reply, ALWAYS, logging.getLogger("web"))


def test_what_nobody_foresaw_is_a_500_and_written_down(caplog: pytest.LogCaptureFixture) -> None:
    written = taken(RuntimeError("that")).answer()
    head, _, body = written.packed.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 INTERNAL SERVER ERROR\r\nServer: gunicorn\r\nDate: ")
    assert {b"X-Request-ID: mine", b"Cache-Control: no-store"} <= set(head.split(b"\r\n"))
    assert json.loads(body)["code"] == "internal_error"
    assert "Exception on /thing [GET]" in caplog.text
    assert "RuntimeError: that" in caplog.text


def test_a_head_has_no_body() -> None:
    written = taken(
        Reply(200, [("Content-Type", "application/json"), ("Content-Length", "2")], b"{}"), "HEAD"
    ).answer()
    assert written.packed.endswith(b"X-Request-ID: mine\r\nCache-Control: no-store\r\n\r\n")
    assert b"Content-Length: 2\r\n" in written.packed
    assert (written.status, written.sent) == ("200 OK", 0)
