"""What the plain handshake reads, and what it leaves to others."""

from typing import Any

import pytest

from web.sockets.transport.handshake import read_head

LINES = (
    b"GET /ws HTTP/1.1",
    b"Host: shop.example",
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"Sec-WebSocket-Version: 13",
)


def head(*lines: bytes) -> bytes:
    return b"\r\n".join([*(lines or LINES), b"", b""])


def environment_of(sent: bytes) -> dict[str, Any]:
    read = read_head(sent, ("10.0.0.1", 5))
    assert read is not None
    return read[0]


def test_a_plain_head_becomes_an_environment() -> None:
    environ = environment_of(head(*LINES, b"Origin:\thttps://shop.example  ", b"X-Empty:"))
    assert environ["HTTP_HOST"] == "shop.example"
    assert environ["HTTP_ORIGIN"] == "https://shop.example"
    assert environ["HTTP_X_EMPTY"] == ""
    assert environ["HTTP_SEC_WEBSOCKET_VERSION"] == "13"
    assert environ["REMOTE_ADDR"] == "10.0.0.1"
    assert environ["QUERY_STRING"] == ""
    assert (
        environment_of(head(b"GET /ws?sale=a&sale=b HTTP/1.1", *LINES[1:]))["QUERY_STRING"] == "sale=a&sale=b"
    )


def test_what_follows_a_head_is_no_part_of_it() -> None:
    frame = b"\x81\x80mask"
    read = read_head(head(*LINES) + frame, ("10.0.0.1", 5))
    assert read is not None
    assert read[1] == len(head(*LINES))


def test_only_a_line_break_ends_a_header() -> None:
    environ = environment_of(head(*LINES, b"X-Odd: a\x85Origin: http://evil.example"))
    assert "HTTP_ORIGIN" not in environ
    assert environ["HTTP_X_ODD"] == "a\x85Origin: http://evil.example"


@pytest.mark.parametrize(
    "sent",
    [
        head(b"GET /ws?a=b#c HTTP/1.1", *LINES[1:]),
        head(b"GET /ws? x HTTP/1.1", *LINES[1:]),
        head(b"GET /ws HTTP/1.0", *LINES[1:]),
        head(b"GET /wss HTTP/1.1", *LINES[1:]),
        head(b"POST /ws HTTP/1.1", *LINES[1:]),
        head(b"GET http://shop.example/ws HTTP/1.1", *LINES[1:]),
        head(LINES[0]),
        head(LINES[0], *LINES[2:]),  # no host
        head(*LINES, b"Host: evil.example"),
        head(*LINES, b"host: evil.example"),
        head(*LINES, b"X_Forwarded_For: 10.0.0.1"),
        head(*LINES, b"Content-Length: 5"),
        head(*LINES, b"Transfer-Encoding: chunked"),
        head(*LINES, b"Expect: 100-continue"),
        head(*LINES, b" folded"),
        head(*LINES, b"Odd : space"),
        head(*LINES, b"NoColon"),
        head(*LINES, b"Bad: \x00"),
        head(*LINES, b"Bad: a\nb"),
        head(*LINES, b"Bad: a\rb"),
        head(*LINES)[:-2],
        b"",
        b"\r\n" + head(*LINES),
    ],
)
def test_what_is_not_plain_is_left_to_others(sent: bytes) -> None:
    assert read_head(sent, ("10.0.0.1", 5)) is None
