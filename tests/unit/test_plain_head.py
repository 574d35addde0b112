"""What a plain head is, and what is left to gunicorn."""

import pytest

from web.connection.head import MOST_HEADERS, headers_of, read_head

LINES = (
    b"POST /api/v1/sales/1/intents HTTP/1.1",
    b"Host: shop.example",
    b"Content-Type: application/json",
    b"Content-Length: 2",
)
PEER = ("10.0.0.1", 5)


def head(*lines: bytes) -> bytes:
    return b"\r\n".join([*(lines or LINES), b"", b""])


def test_a_plain_head_becomes_an_environment_as_gunicorn_makes_it() -> None:
    said = head(*LINES, b"X-Odd:\t a\x85b \t", b"X-Empty:")
    found = read_head(said + b"{}GET / HT", PEER)
    assert found is not None
    assert found.size == len(said)
    assert found.environ["PATH_INFO"] == "/api/v1/sales/1/intents"
    assert found.environ["CONTENT_LENGTH"] == "2"
    assert found.environ["HTTP_X_ODD"] == "a\x85b"
    assert found.environ["HTTP_X_EMPTY"] == ""
    assert found.environ["REMOTE_ADDR"] == "10.0.0.1"
    assert ("X-ODD", "a\x85b") in headers_of(found.environ)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        head()[:-1],
        b"\r\n" + head(),
        head(LINES[0].replace(b"1.1", b"1.0"), *LINES[1:]),
        head(LINES[0].replace(b" HTTP", b"  HTTP"), *LINES[1:]),
        head(LINES[0].replace(b"/api", b"http://shop/api"), *LINES[1:]),
        head(LINES[0].replace(b"intents", b"intents?a=b"), *LINES[1:]),
        head(LINES[0].replace(b"intents", b"intent%73"), *LINES[1:]),
        head(LINES[0].replace(b"POST", b"BREW"), *LINES[1:]),
        head(LINES[0], *LINES[2:]),  # no host
        head(LINES[0], b"Host: a..b", *LINES[2:]),
        head(LINES[0], b"Host: sh op", *LINES[2:]),
        head(*LINES, b"host: evil.example"),
        head(*LINES, b"Content-Length: 2"),
        head(*LINES, b"X-Twice: 1", b"x-twice: 1"),
        head(*LINES, b"X_Forwarded_For: 10.0.0.1"),
        head(*LINES, b"Transfer-Encoding: chunked"),
        head(*LINES, b"Expect: 100-continue"),
        head(*LINES, b"Connection: close"),
        head(*LINES, b"Connection: Upgrade", b"Upgrade: h2c"),
        head(*LINES, b"X-Forwarded-Ssl: on"),
        head(*LINES, b"Folded: a", b" b"),
        head(*LINES, b"Odd : space"),
        head(*LINES, b"NoColon"),
        head(*LINES, b": nameless"),
        head(*LINES, b"Bad: \x00"),
        head(*LINES, b"Bad: a\nb"),
        head(*LINES, b"Bad: a\rb"),
        head(*LINES, b"N" * 65 + b": long"),
        head(*LINES, *(b"X-%d: 1" % number for number in range(MOST_HEADERS))),
    ],
)
def test_what_is_not_plain_is_left_to_gunicorn(said: bytes) -> None:
    assert read_head(said, PEER) is None
