"""The request class: an id to find each request by, and a bound on its size."""

import random
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final
from wsgiref.types import WSGIEnvironment

from flask import Request, has_request_context, request
from structlog.typing import EventDict, WrappedLogger
from werkzeug.http import parse_date

if TYPE_CHECKING:
    from web.auth.tokens import Identity

HEADER: Final = "X-Request-ID"
REQUEST_ID: Final = "flash_sale.request_id"  # its key in the WSGI environment
MAX_BODY_BYTES: Final = 64 * 1024

answered_here: ContextVar[str | None] = ContextVar("answered_here", default=None)
"""The id of the request that is answered at its connection, outside of Flask."""

_DATED: Final = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_RANGE")
_SANE: Final = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}", re.ASCII).fullmatch


class ShopRequest(Request):
    """A request of bounded size that may know who asks."""

    max_content_length = MAX_BODY_BYTES
    identity: "Identity | None" = None  # set once it was read

    def __init__(self, environ: WSGIEnvironment, **options: Any) -> None:
        """Take a request, and leave out of it what werkzeug would fail at."""
        for name in _DATED:
            if name in environ and not _is_date_or_tag(environ[name]):
                del environ[name]  # RFC 9110, section 13.1: a condition that is no date is none
        super().__init__(environ, **options)


def _is_date_or_tag(value: str) -> bool:
    """Whether werkzeug can read it: it fails at years that no clock holds."""
    try:
        parse_date(value)
    except OverflowError:
        return False
    return True


def read_request_id(environ: WSGIEnvironment) -> str:
    """The caller's id where it is a sane token, otherwise a fresh one."""
    given: str | None = environ.get("HTTP_X_REQUEST_ID")
    if given is not None and _SANE(given):
        return given
    return f"{random.getrandbits(96):024x}"


def add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Give a log line the id of the request that wrote it: only lines pay for it, not requests."""
    if has_request_context():
        event.setdefault("request_id", request.environ.get(REQUEST_ID))
    elif (request_id := answered_here.get()) is not None:
        event.setdefault("request_id", request_id)
    return event
