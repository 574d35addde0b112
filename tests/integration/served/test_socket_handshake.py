"""The two ways to a socket, the plain one past Flask and the ordinary one: both judge alike."""

import json
import socket
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.client.frames import TEXT, client_frame, next_frame
from tests.integration.socket_shop import Shop
from web.auth.identity import ACCESS_COOKIE
from web.sockets.transport.upgrade_policy import MAX_SALES

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
    head = head_of(shop, path, **changes)
    with socket.create_connection(("127.0.0.1", shop.port), timeout=30) as sock:
        for piece in (head[:30], head[30:]) if in_pieces else (head,):
            sock.sendall(piece)
        return read_answer(sock)


def head_of(shop: Shop, path: str, **changes: Any) -> bytes:
    names = {name.lower().replace("-", "_"): name for name in GOOD}
    headers: dict[str, str | None] = {
        **GOOD,
        **{names.get(one, one): value for one, value in changes.items()},
    }
    lines = [f"{name}: {value}\r\n" for name, value in headers.items() if value is not None]
    return f"GET {path} HTTP/1.1\r\n{''.join(lines)}\r\n".format(port=shop.port).encode()


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


@WAYS
def test_all_that_a_page_needs_comes_with_the_answer_to_its_upgrade(shop: Shop, way: dict[str, Any]) -> None:
    sale_id, other, shopper = shop.open_sale(), uuid.uuid4(), shop.make_shopper()
    intent = shop.submit(shopper, sale_id)
    own = f"http://127.0.0.1:{shop.port}"
    cookie = f"{ACCESS_COOKIE}={shopper.token}"
    for named in ({"origin": own, "cookie": cookie}, {"authorization": f"Bearer {shopper.token}"}):
        told = said_after(shop, f"/ws?sale={sale_id}&sale={other}&sale=none", b"", 5, **way, **named)
        ready = told.pop(0)
        assert (ready["type"], ready["user_id"]) == ("ready", str(shopper.id))
        assert 0 < ready["expires_in"] <= shop.settings.access_token_s
        assert sorted(said.get("code", said["type"]) for said in told) == [
            "intent",
            "invalid_fields",
            "no_such_sale",
            "sale",
        ]
        assert intent["id"] in [said.get("id") for said in told]


@WAYS
def test_who_asks_is_told_also_that_nothing_is_theirs(shop: Shop, way: dict[str, Any]) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    path, way = f"/ws?sale={sale_id}&standing=1", way | {"authorization": f"Bearer {shopper.token}"}
    standing = {"type": "standing", "sale_id": str(sale_id), "intent_id": None, "order_id": None}
    assert said_after(shop, path, b"", 3, **way)[-1] == standing
    intent = shop.submit(shopper, sale_id)
    told = said_after(shop, path, b"", 4, **way)
    assert [said["type"] for said in told] == ["ready", "sale", "intent", "standing"]
    assert told[-1] == standing | {"intent_id": intent["id"]}


@WAYS
def test_who_speaks_before_the_answer_is_heard(shop: Shop, way: dict[str, Any]) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    messages = [
        {"type": "auth", "token": shopper.token},
        {"type": "subscribe", "sale_id": str(sale_id)},
        {"type": "ping"},
    ]
    frames = b"".join(client_frame(TEXT, json.dumps(one).encode()) for one in messages)
    told = said_after(shop, "/ws", frames, 3, **way)
    assert [said["type"] for said in told] == ["ready", "sale", "pong"]
    assert told[0] == {"type": "ready", "user_id": str(shopper.id)}


@WAYS
def test_a_bad_bearer_token_is_refused_before_the_upgrade(shop: Shop, way: dict[str, Any]) -> None:
    for told in ("Bearer garbage", "Basic YTpi"):
        answer = knock(shop, authorization=told, **way)
        assert (answer.status, answer.code) == (401, "unauthenticated")


@WAYS
def test_an_upgrade_names_so_many_sales_and_no_more(shop: Shop, way: dict[str, Any]) -> None:
    query = "&".join(f"sale={uuid.uuid4()}" for _ in range(MAX_SALES))
    assert knock(shop, path=f"/ws?{query}", **way).status == 101
    assert knock(shop, path=f"/ws?{query}&sale=", **way).code == "too_many_subscriptions"


def said_after(shop: Shop, path: str, frames: bytes, count: int, **changes: Any) -> list[dict[str, Any]]:
    """Send a handshake with frames behind it at once; the first messages that come."""
    with socket.create_connection(("127.0.0.1", shop.port), timeout=30) as sock:
        sock.sendall(head_of(shop, path, **changes) + frames)
        answer = read_answer(sock)
        assert answer.status == 101
        got = answer.rest
        told: list[dict[str, Any]] = []
        while len(told) < count:
            while (frame := next_frame(got, 0)) is not None and len(told) < count:
                told.append(json.loads(frame[2]))
                got = got[frame[3] :]
            if len(told) < count:
                more = sock.recv(65536)
                assert more, told
                got += more
        return told


def test_a_request_is_served_as_ever(shop: Shop) -> None:
    answer = knock(shop, path="/healthz", Connection="close", Upgrade=None)
    assert answer.status == 200


def test_two_keys_or_hosts_are_not_for_the_plain_way_to_choose_from(shop: Shop) -> None:
    twice = knock(shop, Host="127.0.0.1\r\nHost: evil.example", Origin="http://evil.example")
    assert twice.status in {400, 403}
