"""An answer that is the same for everybody: what a view makes, and its bytes as they are served."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from web.http.etags import SHOWN
from web.reads.asked import Asked

Headers = tuple[tuple[str, str], ...]

LEAST_BYTES: Final = 1_000  # below that packing is not worth it
LEVEL: Final = 5  # of 9
_DIGEST: Final = 8  # bytes of the digest in an ETag
_OWN: Final = ("Cache-Control", "private, no-cache")
_CACHED: Final = "public, max-age=0, s-maxage=1, stale-if-error=60"  # docs/decisions/0028
_HIDDEN: Final = b' id="age" hidden'  # the template's notice that the stores are away
_SHOWN: Final = b' id="age"'
_TAGS: Final = re.compile(r'"[^"]*"').findall


@dataclass(frozen=True, slots=True)
class Made:
    """What a view makes. `tag` is of the settings shown, `of` is the sale; None where there are several."""

    body: bytes
    mimetype: str
    of: UUID | None = None
    tag: str = ""
    headers: Headers = ()
    vary: str = ""  # besides the encoding


def made_page(page: str, *, of: UUID | None = None, headers: Headers = ()) -> Made:
    """Make an answer of a page."""
    return Made(page.encode(), "text/html", of, headers=headers, vary="Accept-Language")


def made_json(body: Any, *, of: UUID | None = None, tag: str = "") -> Made:
    """Make an answer of JSON."""
    return Made(orjson.dumps(body), "application/json", of, tag)


class Served(NamedTuple):
    """A whole answer but for what every answer gets: see `web.http.middleware`."""

    status: int
    headers: Headers
    body: bytes


class Rendered:
    """One answer, in the forms in which it is asked for; each is packed once."""

    def __init__(self, made: Made) -> None:
        self._made = made

    @property
    def size(self) -> int:
        """How much memory it may take, in bytes."""
        return 2 * len(self._made.body) + 1_000

    @property
    def of(self) -> UUID | None:
        """The sale that it shows; None where it shows several or none."""
        return self._made.of

    def serve(self, asked: Asked, *, age_s: int | None = None) -> Served:
        """Answer with it, or only with that it is what the client has.

        `age_s` is told where it is older than it should be, since the stores are away.
        """
        form = self._form(takes_gzip=asked.takes_gzip, is_old=age_s is not None)
        told = form.headers
        if asked.is_picked:
            told = tuple(_OWN if name == "Cache-Control" else (name, value) for name, value in told)
        if age_s is not None:
            told = (*told, ("Age", str(age_s)), ("Warning", '110 - "Response is Stale"'))
        if asked.if_none_match and fits(form.tag, asked.if_none_match):
            return Served(304, tuple(one for one in told if not one[0].startswith("Content-")), b"")
        return Served(200, told, form.body)

    def _form(self, *, takes_gzip: bool, is_old: bool) -> "_Form":
        if is_old and _HIDDEN in self._made.body:
            return self._old_packed if takes_gzip else self._old
        return self._packed if takes_gzip else self._plain

    @cached_property
    def _plain(self) -> "_Form":
        return _form(self._made, self._made.body)

    @cached_property
    def _packed(self) -> "_Form":
        return _packed(self._made, self._plain)

    @cached_property
    def _old(self) -> "_Form":
        return _form(self._made, self._made.body.replace(_HIDDEN, _SHOWN, 1))

    @cached_property
    def _old_packed(self) -> "_Form":
        return _packed(self._made, self._old)


class _Form(NamedTuple):
    body: bytes
    tag: str
    headers: Headers


def _form(made: Made, body: bytes, *, packed_as: str = "", tag: str = "") -> _Form:
    digest = hashlib.blake2b(body, digest_size=_DIGEST).hexdigest()
    tag = tag or f'"{made.tag}{SHOWN}{digest}"'
    vary = ", ".join(filter(None, ("Accept-Encoding", made.vary)))
    kind = made.mimetype if made.mimetype == "application/json" else f"{made.mimetype}; charset=utf-8"
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    if packed_as:
        headers.append(("Content-Encoding", packed_as))
    named = (("ETag", tag), ("Cache-Control", _CACHED), ("Vary", vary))
    return _Form(body, tag, (*headers, *named, *made.headers))


def _packed(made: Made, plain: _Form) -> _Form:
    if len(plain.body) < LEAST_BYTES:
        return plain
    body = gzip.compress(plain.body, LEVEL, mtime=0)
    return _form(made, body, packed_as="gzip", tag=f'{plain.tag[:-1]}-gzip"')


def fits(tag: str, if_none_match: str) -> bool:
    """Whether a client that sent this header has it (RFC 9110, 13.1.2: compared weakly)."""
    return if_none_match in {tag, "*"} or tag in _TAGS(if_none_match)
