"""Serves static files: compressed, and cached for good under a URL that changes with any file.

The fingerprint of all files is a folder of the address, so that what a script imports relatively has it too.
A page rendered before an update asks by an older fingerprint: it gets today's file, which is not cached.
"""

import gzip
import hashlib
import mimetypes
import os.path
import re
import time
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, NamedTuple
from wsgiref.types import WSGIEnvironment

from flask import Flask, Response, request
from jinja2.ext import Extension
from markupsafe import Markup
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join
from werkzeug.utils import get_content_type

from web.http.reply import Answer, Reply
from web.http.responses import conditionally
from web.metrics.requests import ROUTE
from web.reads.asked import takes_gzip

FOLDER: Final = Path(__file__).resolve().parents[1] / "static"
PREFIX: Final = "/static"
KEPT_S: Final = 365 * 86_400
LOOK_EVERY_S: Final = 0.3  # in development; a page names a dozen files
RULE: Final = f"{PREFIX}/<path:name>"
SERVICE_WORKER: Final = "/service-worker.js"  # a fingerprint would make it another worker
_FOR_GOOD: Final = f"public, immutable, max-age={KEPT_S}"
_MARK: Final = "v-"
_OF_NOW: Final = f"{PREFIX}/{_MARK}"
_ASKED_CLOSELY: Final = frozenset(
    f"HTTP_{name}"
    for name in ("IF_MATCH", "IF_NONE_MATCH", "IF_MODIFIED_SINCE", "IF_UNMODIFIED_SINCE", "RANGE")
)
_DIGITS: Final = 12  # of the fingerprint

_IMPORTED: Final = re.compile(r'^(?:import|export)\b[^;"(]*"(\.{1,2}/[^"]+)"', re.MULTILINE).findall
_SCRIPT: Final = re.compile(r'<script type="module" src="/static/([^"]+)"></script>')


class _File(NamedTuple):
    plain: bytes
    packed: bytes
    tag: str
    mimetype: str


class Assets:
    """The files of a folder. `are_settled`: they do not change while the process lives."""

    def __init__(self, folder: Path, *, are_settled: bool) -> None:
        self._folder = folder
        self._are_settled = are_settled
        self._state: tuple[tuple[str, int, int], ...] = ()
        self._changed_ns: dict[str, int] = {}  # by name
        self._mark = ""
        self._looked = 0.0

    def root(self) -> str:
        """Where the files are now, e.g. `/static/v-0123456789ab`."""
        return f"{PREFIX}/{self._current_mark()}"

    def module(self, entry: str) -> Markup:
        """Write the tags of a script and of all that it imports, so that they are fetched at once."""
        root = self.root()
        links = [f'<link rel="modulepreload" href="{root}/{name}">' for name in self.imports(entry)]
        tags = [*links, f'<script type="module" src="{root}/{entry}"></script>']
        return Markup("\n  ".join(tags))  # noqa: S704 - names of our own files

    def imports(self, entry: str) -> Sequence[str]:
        """List what a script imports, itself or by another; not what it may load later."""
        return _imports(self._folder, entry, self._current_mark())

    def reply(self, environ: WSGIEnvironment) -> Reply | None:
        """Reply with a file of now, as small as the browser can read it, without Flask.

        None where it has another address, or where it is asked about on a condition.
        """
        path = environ["PATH_INFO"]
        if not path.startswith(_OF_NOW) or not _ASKED_CLOSELY.isdisjoint(environ):
            return None
        mark, _, name = path[len(_OF_NOW) - len(_MARK) :].partition("/")
        if mark != self._current_mark() or name not in self._changed_ns:
            return None
        environ[ROUTE] = RULE
        file = _read(str(self._folder / name), self._changed_ns[name])
        is_packed = takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
        return _reply(file, is_packed=is_packed, cache_control=_FOR_GOOD)

    def serve(self, name: str) -> Response:
        """Answer with a file, whichever its address, and on whatever condition.

        Raises:
            NotFound: there is none.
        """
        if (reply := self.reply(request.environ)) is not None:
            return Answer(reply)
        first, _, rest = name.partition("/")
        path = safe_join(str(self._folder), rest if first.startswith(_MARK) else name)
        if path is None or not os.path.isfile(path):  # Path.is_file raises where a name is too long
            raise NotFound
        file = _read(path, Path(path).stat().st_mtime_ns)
        cache_control = _FOR_GOOD if first == self._current_mark() else "no-cache"
        is_packed = takes_gzip(request.headers.get("Accept-Encoding", ""))
        reply = _reply(file, is_packed=is_packed, cache_control=cache_control)
        response = Response(reply.body, reply.status, reply.headers)
        return conditionally(response)

    def _current_mark(self) -> str:
        now = time.monotonic()
        if not self._mark or (not self._are_settled and now - self._looked > LOOK_EVERY_S):
            self._looked, state = now, _state_of(self._folder)
            if state != self._state:
                self._state, self._mark = state, _MARK + _fingerprint(self._folder, state)
                self._changed_ns = {name: changed_ns for name, changed_ns, _size in state}
        return self._mark


class Addresses(Extension):
    """Lets templates write plain `/static/…`; the rendered page has the fingerprint."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        """Replace plain addresses with calls that write the fingerprinted ones."""
        return _SCRIPT.sub(r'{{ module_tags("\1") }}', source).replace('"/static/', '"{{ static_root() }}/')


def register(app: Flask, *, are_settled: bool) -> Assets:
    """Let the app serve the files and its templates name them."""
    assets = Assets(FOLDER, are_settled=are_settled)
    app.jinja_env.add_extension(Addresses)
    app.jinja_env.globals.update(module_tags=assets.module, static_root=assets.root)
    app.add_url_rule(RULE, "static", assets.serve)
    app.add_url_rule(SERVICE_WORKER, "service_worker", partial(assets.serve, "js/service-worker.js"))
    return assets


def _state_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, times and sizes, which tell cheaply whether a file changed."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = [(path, path.stat()) for path in found]
    return tuple((path.relative_to(folder).as_posix(), at.st_mtime_ns, at.st_size) for path, at in stats)


def _fingerprint(folder: Path, state: tuple[tuple[str, int, int], ...]) -> str:
    """Computed from the contents alone, so that every process on every machine finds the same."""
    told = hashlib.sha256()
    for name, _time, size in state:
        told.update(f"{name} {size}\n".encode() + (folder / name).read_bytes())
    return told.hexdigest()[:_DIGITS]


@lru_cache(maxsize=256)
def _imports(folder: Path, entry: str, mark: str) -> Sequence[str]:  # noqa: ARG001 - the mark is its age
    found: dict[str, None] = {}
    waiting = [(folder / entry).resolve()]
    while waiting:
        script = waiting.pop(0)
        for name in _IMPORTED(script.read_text()):
            imported = (script.parent / name).resolve()
            known = imported.relative_to(folder.resolve()).as_posix()
            if known not in found:
                found[known] = None
                waiting.append(imported)
    return tuple(found)


@lru_cache(maxsize=256)
def _read(path: str, changed_ns: int) -> _File:  # noqa: ARG001 - the time is the entry's age
    plain = Path(path).read_bytes()
    tag = hashlib.sha256(plain).hexdigest()[:_DIGITS]
    mimetype = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return _File(plain, gzip.compress(plain, mtime=0), tag, mimetype)


def _reply(file: _File, *, is_packed: bool, cache_control: str) -> Reply:
    body, tag = (file.packed, f"{file.tag}-gz") if is_packed else (file.plain, file.tag)
    headers = [
        ("Content-Type", get_content_type(file.mimetype, "utf-8")),
        ("Content-Length", str(len(body))),
        ("ETag", f'"{tag}"'),
        ("Vary", "Accept-Encoding"),
        ("Cache-Control", cache_control),
    ]
    if is_packed:
        headers.append(("Content-Encoding", "gzip"))
    return Reply(200, headers, body)
