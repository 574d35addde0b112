"""Serves what is kept before Flask, and hands Flask's views what they make to be kept."""

from collections.abc import Callable, Iterable
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, request
from werkzeug.http import HTTP_STATUS_CODES

from web.http.hosts import is_sane_host
from web.http.reply import Answer, Reply
from web.metrics.requests import ROUTE
from web.reads.answer_cache import Reads
from web.reads.asked import Asked, Variants, asked_by, rule_of
from web.reads.rendered import Made, Rendered, Served

_PLAIN: Final = Asked("", "", "", takes_gzip=False, if_none_match="")
READS: Final = "reads"  # its name among the app's extensions
_STATUS: Final = {status: f"{status} {HTTP_STATUS_CODES[status].upper()}" for status in (200, 304)}


class Reading:
    """Joins the store of a process with its app. `listen` has the words of changes heard."""

    def __init__(self, reads: Reads, variants: Variants, listen: Callable[[], None]) -> None:
        self._reads = reads
        self._variants = variants
        self._listen = listen

    def register(self, app: Flask) -> None:
        """Serve what is kept before the app is asked."""
        app.extensions[READS] = self
        app.wsgi_app = self._serving(app.wsgi_app)  # type: ignore[method-assign,assignment]

    def answer(self, make: Callable[[], Made], otherwise: Callable[[], Made] | None = None) -> Response:
        """Answer the present request of Flask with what is kept, else with what is made now and kept.

        Raises:
            Unavailable: the stores are away, and nothing is known.
        """
        asked = asked_by(request.environ, self._variants)
        if asked is None:  # of a list's further pages, or of an address that is written in an odd way
            served = Rendered(make()).serve(_PLAIN)
        else:
            served = self._reads.answer(asked, make, otherwise)
        return Answer(_reply(served))

    def forget(self) -> None:
        """Something was changed by this process: nothing that was made before is served any more."""
        self._reads.forget()

    def lookup(self, asked: Asked) -> Served | None:
        """Answer from memory; None where Flask has to be asked. Waits for nothing."""
        return self._reads.lookup(asked)

    def reply(self, environ: WSGIEnvironment) -> Reply | None:
        """Reply to a request of WSGI from memory; None where Flask has to be asked. Waits for nothing."""
        asked = asked_by(environ, self._variants)
        if asked is None:
            return None
        self._listen()
        served = self._reads.lookup(asked)
        if served is None:
            return None
        environ[ROUTE] = rule_of(asked.path)
        return _reply(served)

    def _serving(self, inner: WSGIApplication) -> WSGIApplication:
        def serving(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            is_sane = is_sane_host(environ.get("HTTP_HOST", ""))  # else Flask may refuse it
            reply = self.reply(environ) if is_sane else None
            if reply is None:
                return inner(environ, start_response)
            start_response(_STATUS[reply.status], reply.headers)
            return [reply.body] if environ["REQUEST_METHOD"] == "GET" else []

        return serving


def _reply(served: Served) -> Reply:
    return Reply(served.status, list(served.headers), served.body)
