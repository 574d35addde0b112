"""What the API refuses is said in words of the page's language, not in the API's own, which are English."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from config import ROOT
from web.http.errors import _DOMAIN, _HTTP_CODES

SCRIPTS: Final = ROOT / "web" / "static" / "js"
TABLES: Final = (SCRIPTS / "common" / "problems.js", SCRIPTS / "admin" / "refusals.js")
TABLE = re.compile(r"^const WORDS = \{\n(.*?)^\};", re.MULTILINE | re.DOTALL).findall
CODE = re.compile(r"^  ([a-z_]+): _\(\"", re.MULTILINE).findall

ELSEWHERE: Final = {  # in `wordsFor`, by the field or the time, and in `session.js`, which logs in again
    "csrf_failed",
    "invalid_fields",
    "too_many_requests",
    "token_reused",
}
UNMET: Final = {  # by pages: they send what is well-formed, of their own origin, and no programs' keys
    "bad_handshake",
    "bad_idempotency_key",
    "bad_if_match",
    "bad_origin",
    "bad_request",
    "bad_signature",
    "idempotency_key_reused",
    "malformed_json",
    "method_not_allowed",
    "no_sockets",
    "not_done",
    "not_for_keys",
    "token_in_url",
    "too_large",
    "too_many_subscriptions",
    "unsupported_media_type",
    "upgrade_required",
    "uri_too_long",
}


def codes_in(tree: ast.AST) -> Iterator[str]:
    """The codes that calls name: `code="…"`, or as the second argument, after the status."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        yield from (text_of(word.value) for word in call.keywords if word.arg == "code")
        match call.args:
            case [ast.Constant(value=int(status)), code, *_] if 400 <= status < 600:
                yield text_of(code)


def text_of(node: ast.AST) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def told() -> set[str]:
    """Every code that the API tells."""
    called = {code for file in (ROOT / "web").rglob("*.py") for code in codes_in(ast.parse(file.read_text()))}
    return (called | {code for _, code, _ in _DOMAIN.values()} | set(_HTTP_CODES.values())) - {""}


def test_every_code_that_a_page_can_meet_has_words() -> None:
    worded = {code for file in TABLES for table in TABLE(file.read_text()) for code in CODE(table)}
    assert worded | ELSEWHERE | UNMET == told() | {"unauthenticated"}
    assert worded.isdisjoint(ELSEWHERE | UNMET)
