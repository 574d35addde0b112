"""Which plain requests are answered at their connection, and how: by the functions of Flask's views.

A request that Flask would read or refuse in another way is left to it, before anything has been done for it.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID
from wsgiref.types import WSGIEnvironment

from web.api import intents
from web.auth.identity import CsrfFailed, find_token, shows_key
from web.auth.tokens import ACCESS, Identity
from web.connection.answering import Taken
from web.connection.head import read_head
from web.http.errors import Problem
from web.http.hosts import is_sane_host
from web.http.middleware import headers_of_all
from web.http.openapi import JSON, PREFIX
from web.http.reply import Reply
from web.http.services import Services
from web.limits.proxies import Proxies
from web.metrics.requests import ROUTE

_BEGINNINGS: Final = (  # of all that may be plain; whatever else comes costs no more than this look
    f"POST {PREFIX}/sales/".encode(),
    f"GET {PREFIX}/".encode(),
    b"GET /sales/",
    b"GET /static/",
    b"GET / ",
    b"HEAD /",
)
_ID: Final = "([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})"

FromMemory = Callable[[WSGIEnvironment], Reply | None]  # None: somebody else has to answer
Act = Callable[[WSGIEnvironment, Identity, UUID, bytes], Reply]


@dataclass(frozen=True, slots=True)
class _Route:
    """A route that is answered here; `act` does what is asked by whom of which id, with which body."""

    template: str  # Flask's, by which it is counted
    method: str
    match: Callable[[str], re.Match[str] | None]
    act: Act


class PlainRequests:
    """Takes the plain requests of one web process."""

    def __init__(self, parts: Services, proxies: Proxies, files: FromMemory, logger: logging.Logger) -> None:
        self._parts = parts
        self._from_memory = (parts.reads.reply, files)
        self._proxies = proxies
        self._logger = logger
        self._always = headers_of_all(parts.settings)
        self._routes = (
            _route("POST", "/sales/<uuid:sale_id>/intents", self._take_intent),
            _route("GET", "/intents/<uuid:intent_id>", self._show_intent),
        )

    def take(self, said: bytes, address: Any) -> Taken | None:
        """Look at what has come; None leaves it to gunicorn, as long as nothing of it is read."""
        if not said.startswith(_BEGINNINGS) or (head := read_head(said, address)) is None:
            return None
        environ, end = head.environ, head.size
        size = _size_of_body(environ)
        if size is None or len(said) < end + size:
            return None
        self._proxies.read(environ)
        if not is_sane_host(environ["HTTP_HOST"]):
            return None
        reply = self._find(environ, said[end : end + size])
        return Taken(environ, end + size, reply, self._always, self._logger) if reply is not None else None

    def _find(self, environ: WSGIEnvironment, body: bytes) -> Callable[[], Reply] | None:
        """Find what answers: an answer that is kept in memory, or a route of these."""
        if not body:
            for find in self._from_memory:
                if (kept := find(environ)) is not None:
                    return partial(_hand_out, kept)
        for route in self._routes:
            if route.method == environ["REQUEST_METHOD"] and (found := route.match(environ["PATH_INFO"])):
                environ[ROUTE] = route.template
                return self._begin(route.act, environ, UUID(found[1]), body)
        return None

    def _begin(
        self, act: Act, environ: WSGIEnvironment, asked_for: UUID, body: bytes
    ) -> Callable[[], Reply] | None:
        """Find out who asks. Flask gets cookies without their token, which it logs, and programs' keys."""
        try:
            verified = find_token(environ, ACCESS, self._parts.tokens, self._parts.settings)
        except (CsrfFailed, UnicodeError):
            return None
        except Problem as refusal:
            return None if shows_key(environ) else partial(_refuse, refusal)
        return partial(act, environ, verified.identity, asked_for, body)

    def _take_intent(self, environ: WSGIEnvironment, identity: Identity, sale_id: UUID, body: bytes) -> Reply:
        read = partial(intents.read_short_request, body)
        return intents.take_intent(self._parts, identity, sale_id, environ, read)

    def _show_intent(
        self, _environ: WSGIEnvironment, identity: Identity, intent_id: UUID, _body: bytes
    ) -> Reply:
        self._parts.limits.api.hit(identity.user_id)
        return intents.show_intent(self._parts, identity, intent_id)


def _route(method: str, rule: str, act: Act) -> _Route:
    before, _, after = re.split("(<[^>]*>)", PREFIX + rule)
    return _Route(PREFIX + rule, method, re.compile(before + _ID + after).fullmatch, act)


def _size_of_body(environ: WSGIEnvironment) -> int | None:
    """How many bytes a plain body has; None where it is not plain."""
    if environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
        return None if "CONTENT_LENGTH" in environ else 0
    return (
        intents.SHORT_LENGTHS.get(environ.get("CONTENT_LENGTH", ""))
        if environ.get("CONTENT_TYPE") == JSON
        else None
    )


def _hand_out(reply: Reply) -> Reply:
    return reply


def _refuse(refusal: Problem) -> Reply:
    raise refusal
