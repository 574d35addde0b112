"""The two ways to a socket, the plain one past Flask and the ordinary one: both judge alike."""

import json
import socket
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.socket_shop import Shop, running_shop, shop
from web.auth.identity import ACCESS_COOKIE

__all__ = ["running_shop", "shop"]

PLAIN: dict[str, Any] = {}
ORDINARY: dict[str, Any] = {"X_Odd": "a name that only gunicorn's own parser takes"}
WAYS = pytest.mark.parametrize("way", [PLAIN, ORDINARY], ids=["plain", "ordinary"])
GOOD = {
    "Host": "127.0.0.1:{port}",
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Extensions": "permessage-deflate",
    "User-Agent": "a browser",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handshake was answered, with what came on the socket first."""

    status: int
    headers: dict[str, str]
    rest: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.rest)["code"])


def knock(shop: Shop, *, path: str = "/ws", in_pieces: bool = False, **changes: Any) -> Answer:
    """Send a handshake with some headers changed, or left out, and read what comes at once."""
    names = {name.lower().replace("-", "_"): name for name in GOOD}
    headers: dict[str, str | None] = {
        **GOOD,
        **{names.get(one, one): value for one, value in changes.items()},
    }
    lines = [f"{name}: {value}\r\n" for name, value in headers.items() if value is not None]
    head = f"GET {path} HTTP/1.1\r\n{''.join(lines)}\r\n".format(port=shop.port).encode()
    with socket.create_connection(("127.0.0.1", shop.port), timeout=30) as sock:
        for piece in (head[:30], head[30:]) if in_pieces else (head,):
            sock.sendall(piece)
        return read_answer(sock)


def read_answer(sock: socket.socket) -> Answer:
    got = b""
    while b"\r\n\r\n" not in got:
        got += sock.recv(4096)
    head, _, rest = got.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(rest) < int(headers.get("content-length", "0")):
        rest += sock.recv(4096)
    return Answer(int(status.split()[1]), headers, rest)


@WAYS
def test_a_good_handshake_is_proven_and_agrees_to_nothing_more(shop: Shop, way: dict[str, Any]) -> None:
    answer = knock(shop, **way)
    assert answer.status == 101
    assert answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, section 1.3
    assert answer.headers["upgrade"].lower() == "websocket"
    assert answer.headers["connection"].lower() == "upgrade"
    assert "sec-websocket-extensions" not in answer.headers


@WAYS
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"sec_websocket_version": "8"}, 426),
        ({"sec_websocket_version": None}, 426),
        ({"sec_websocket_key": "short"}, 400),
        ({"sec_websocket_key": None}, 400),
        ({"connection": "close"}, 400),
        ({"upgrade": None}, 400),
        ({"upgrade": "h2c"}, 400),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://"}, 403),
        ({"host": None}, 400),
        ({"host": ""}, 400),
        ({"host": "a b"}, 400),
        ({"host": "a..b"}, 400),
        ({"host": "a\xe9"}, 400),
        ({"host": "x:99999999"}, 400),
        ({"upgrade": "websockets"}, 400),
        ({"connection": "upgraded"}, 400),
        ({"path": "/ws?token=x"}, 400),
        ({"path": "/ws?q=eyJhbGciOiJIUzI1NiJ9.e30.sig"}, 400),
    ],
)
def test_what_is_wrong_is_refused_either_way(
    shop: Shop, way: dict[str, Any], changes: dict[str, Any], status: int
) -> None:
    assert knock(shop, **way, **changes).status == status


@WAYS
def test_a_cookie_counts_with_our_own_origin_only(shop: Shop, way: dict[str, Any]) -> None:
    shopper = shop.make_shopper()
    cookie = f"{ACCESS_COOKIE}={shopper.token}"
    own = f"http://127.0.0.1:{shop.port}"
    origins: list[tuple[dict[str, Any], bool]] = [({"origin": own}, True), ({}, False)]
    for origin, is_known in origins:
        client = shop.connect(
            cookie=cookie,
            header=[f"{name}: {value}" for name, value in way.items()],
            **origin,
        )
        if is_known:
            assert client.hear()["user_id"] == str(shopper.id)
        else:
            assert client.ask(type="leave", intent_id=str(shopper.id))["code"] == "unauthenticated"


@pytest.mark.parametrize(
    "changes",
    [
        {"in_pieces": True},
        {"X_Forwarded_For": "1.2.3.4"},
        {"Accept": "a\r\nAccept: b"},
        {"Cookie": "a=\xfc"},
        {"Sec-WebSocket-Protocol": "chat, superchat"},
        {"Sec-WebSocket-Protocol": "\xff", "X_Odd": "ordinary"},
        {f"X-{number}": "a" * 6_000 for number in range(4)},
    ],
)
def test_an_unusual_handshake_is_let_in_all_the_same(shop: Shop, changes: dict[str, Any]) -> None:
    assert knock(shop, **changes).status == 101


def test_a_request_is_served_as_ever(shop: Shop) -> None:
    answer = knock(shop, path="/healthz", Connection="close", Upgrade=None)
    assert answer.status == 200


def test_two_keys_or_hosts_are_not_for_the_plain_way_to_choose_from(shop: Shop) -> None:
    twice = knock(shop, Host="127.0.0.1\r\nHost: evil.example", Origin="http://evil.example")
    assert twice.status in {400, 403}
