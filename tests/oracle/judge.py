"""What every answer must be, whatever was asked: the sender's fault alone, traceable, and safe to show."""

import json
import re
from typing import Final

from tests.oracle.wire import Answer, Request

PROBLEM: Final = "application/problem+json"
_DATA: Final = {"application/json", PROBLEM}
_ID: Final = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}").fullmatch


def faults(request: Request, answer: Answer) -> list[str]:
    """Say what is wrong with an answer; nothing where it is as it must be."""
    if answer.status == 101:
        return []
    found = [f"status {answer.status}"] if answer.status >= 500 else []
    found += [fault for fault in _of_headers(answer) if fault]
    if answer.status >= 400 and request.method != b"HEAD":
        found += _of_problem(request, answer)
    return found


def _of_headers(answer: Answer) -> list[str]:
    headers = answer.headers
    kind = headers.get("content-type", "")
    shown = kind and kind not in _DATA
    return [
        "" if _ID(headers.get("x-request-id", "")) else "no X-Request-ID",
        "" if headers.get("x-content-type-options") == "nosniff" else "no X-Content-Type-Options",
        "" if "cache-control" in headers or answer.status == 202 else "no Cache-Control",
        "no policy for a document" if shown and "content-security-policy" not in headers else "",
        "" if all(value.isascii() for value in headers.values()) else "words in a header",
    ]


def _of_problem(request: Request, answer: Answer) -> list[str]:
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/html") and request.is_asked_by(b"accept"):
        return []  # a page, for somebody with a browser
    if kind != PROBLEM:
        return [f"a {answer.status} of {kind or 'no type'}"]
    told = json.loads(answer.body)
    lacks = {"type", "title", "status", "detail", "code"} - told.keys()
    wrong = [f"a problem without {', '.join(sorted(lacks))}"] if lacks else []
    return wrong + ([] if told.get("status") == answer.status else ["a problem of another status"])
