"""What tests of HTTP expect of every refusal: a problem with a code, and a 4xx."""

import json
from typing import Any, Final

from werkzeug.test import TestResponse

RAW_BODIES: Final = {
    "no JSON": b"{",
    "NaN": b'{"quantity": NaN}',
    "infinity": b'{"quantity": 1e999}',
    "endless number": b'{"quantity": ' + b"9" * 400 + b"}",
    "lone surrogate": b'{"\\ud800": 1}',
    "not UTF-8": b'{"quantity": "\xff"}',
    "deep": b"[" * 20_000,
    "deep and closed": b'{"quantity":' + b"[" * 900 + b"]" * 900 + b"}",
    "UTF-16": '{"quantity": 1}'.encode("utf-16"),
    "a list": b"[]",
    "a string": b'"x"',
    "a number": b"5",
    "null": b"null",
    "many keys": json.dumps({f"k{at}": at for at in range(3_000)}).encode(),
    "unknown field": b'{"surprise": 1}',
    "dunders": b'{"__class__": "x", "__proto__": {}}',
    "a NUL in a key": b'{"quant\\u0000ity": 1}',
    "huge": b'{"quantity": "' + b"x" * 2_000_000 + b'"}',
}
NOT_IDS: Final = ("1", "x", "%00", "..%2f..", "0" * 36, "{}", "'; drop table sales; --")
BAD_CURSORS: Final = (
    "x",
    "=",
    "W10",
    "bnVsbA",
    "eyJhIjoxfQ",
    "%00",
    "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5XQ",
    "W251bGxd",
)
BAD_LIMITS: Final = ("0", "201", "-1", "x", "1.5", "", "1e2", "٣", "99999999999999999999")


def assert_problem(answer: TestResponse, *statuses: int, code: str | None = None) -> dict[str, Any]:
    """Hold an answer against RFC 9457 and against the statuses that it may have."""
    assert answer.content_type == "application/problem+json", (answer.status_code, answer.data[:300])
    told: dict[str, Any] = json.loads(answer.data)
    assert {"type", "title", "status", "detail", "code"} <= set(told)
    assert told["status"] == answer.status_code
    assert answer.status_code in (statuses or range(400, 500)), told
    assert "X-Request-ID" in answer.headers
    assert code is None or told["code"] == code, told
    if answer.status_code in (429, 503):
        assert int(answer.headers["Retry-After"]) >= 1
    return told
