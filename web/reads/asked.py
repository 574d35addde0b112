"""What a read asks for, told from the request's words alone: without Flask, and without any store."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple
from wsgiref.types import WSGIEnvironment

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

LISTS: Final = frozenset({"/api/v1/sales", "/api/v1/products"})
LONGEST_QUERY: Final = 60  # characters; pages further on have a cursor, and are not kept

_BY_PREFIX: Final = (  # of what is named by an id: the prefix, and the rule in Flask's words
    ("/api/v1/sales/", "/api/v1/sales/<uuid:sale_id>"),
    ("/sales/", "/sales/<uuid:sale_id>"),
    ("/api/v1/products/", "/api/v1/products/<uuid:product_id>"),
)
_ID: Final = 36  # characters


class Variant(NamedTuple):
    """The variant of a language in which somebody is to be spoken to.

    `is_picked`: a cookie says so, which caches on the way do not look at.
    """

    name: str
    is_picked: bool = False


Variants = Callable[[str, str, str], Variant]  # by Cookie, Accept-Language and query


class Asked(NamedTuple):
    """The answer that a request wants: which, in which language, and in which form."""

    path: str
    query: str  # of a list; whatever else stands there changes nothing
    variant: str  # of the language; empty where the answer has none
    takes_gzip: bool
    if_none_match: str
    is_picked: bool = False  # the language is that of a cookie

    @property
    def key(self) -> tuple[str, str, str]:
        """By which the answer is kept."""
        return self[:3]


def asked_by(environ: WSGIEnvironment, variants: Variants) -> Asked | None:
    """Read what a request of WSGI asks for; None where the answer is not kept here."""
    if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
        return None
    get = environ.get
    return asked(
        environ["PATH_INFO"],
        get("QUERY_STRING", ""),
        variants,
        accept_encoding=get("HTTP_ACCEPT_ENCODING", ""),
        accept_language=get("HTTP_ACCEPT_LANGUAGE", ""),
        cookie=get("HTTP_COOKIE", ""),
        if_none_match=get("HTTP_IF_NONE_MATCH", ""),
    )


def asked(
    path: str,
    query: str,
    variants: Variants,
    *,
    accept_encoding: str = "",
    accept_language: str = "",
    cookie: str = "",
    if_none_match: str = "",
) -> Asked | None:
    """Read what a GET or HEAD asks for; None where the answer is not kept here. `path` is unquoted."""
    if rule_of(path) is None:
        return None
    is_packed = takes_gzip(accept_encoding)
    if not path.startswith("/api/"):
        variant = variants(cookie, accept_language, query)
        return Asked(path, "", variant.name, is_packed, if_none_match, variant.is_picked)
    if path not in LISTS:
        query = ""
    elif len(query) > LONGEST_QUERY or "cursor" in query:
        return None
    return Asked(path, query, "", is_packed, if_none_match)


def rule_of(path: str) -> str | None:
    """Name the route of a path, as Flask writes it; None where its answers are not kept here."""
    if path == "/" or path in LISTS:
        return path
    for prefix, rule in _BY_PREFIX:
        if path.startswith(prefix) and len(path) == len(prefix) + _ID:
            return rule
    return None


@lru_cache(256)
def takes_gzip(accept_encoding: str) -> bool:
    """Whether who sends this header can unpack gzip."""
    accepted: Accept = parse_accept_header(accept_encoding)
    return accepted["gzip"] > 0
