"""Serves what is kept before Flask, and hands Flask's views what they make to be kept."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Flask, Response, request
from werkzeug.datastructures import Headers

from web.metrics.requests import ROUTE
from web.reads.asked import Asked, Variants, asked_by, rule_of
from web.reads.pictures import Made, Picture, Served
from web.reads.store import Reads

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

READS: Final = "reads"  # its name among the app's extensions
_STATUS: Final = {status: f"{status} {HTTPStatus(status).phrase}" for status in (200, 304)}


class _Whole(Response):
    """An answer whose headers are whole: werkzeug need not go through them again."""

    def __init__(self, served: Served) -> None:
        super().__init__([served.body], served.status, list(served.headers))

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:  # noqa: ARG002 - they do not depend on it
        """The headers as they are."""
        return self.headers


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
            served = Picture(make()).serve("", takes_gzip=False)
        else:
            served = self._reads.answer(asked, make, otherwise)
        return _Whole(served)

    def forget(self) -> None:
        """Something was changed by this process: nothing that was made before is served any more."""
        self._reads.forget()

    def lookup(self, asked: Asked) -> Served | None:
        """Answer from memory; None where Flask has to be asked. Waits for nothing."""
        return self._reads.lookup(asked)

    def _serving(self, inner: "WSGIApplication") -> "WSGIApplication":
        def serving(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            asked = asked_by(environ, self._variants)
            if asked is None:
                return inner(environ, start_response)
            self._listen()
            served = self._reads.lookup(asked)
            if served is None:
                return inner(environ, start_response)
            environ[ROUTE] = rule_of(asked.path)
            start_response(_STATUS[served.status], list(served.headers))
            return [served.body] if environ["REQUEST_METHOD"] == "GET" else []

        return serving
