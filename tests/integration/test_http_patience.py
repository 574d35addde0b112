"""A slow client of the shop itself hears a problem, like everybody."""

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.embedded_run import DEADLINE_S
from tests.integration.socket_shop import Shop

HASTY = """\
from deploy.server import patience
patience.HEAD = patience.Pace(0.5, 500, 1.0)
patience.BODY = patience.Pace(0.5, 500, 1.0)
from web import create_app as create_app
"""


@pytest.fixture(scope="module")
def shop(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    place = tmp_path_factory.mktemp("shop")
    (place / "hasty.py").write_text(HASTY)
    shop = Shop(place, database_url, PYTHONPATH=str(place))
    try:
        shop.start(application="hasty:create_app()")
        yield shop
    finally:
        shop.close()


@pytest.mark.parametrize(
    "said",
    [
        b"GET /healthz HTTP/1.1\r\nHost: shop\r\n",
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
        b'Content-Length: 99\r\n\r\n{"email": "',
        b"POST /session HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n",
    ],
)
def test_what_comes_too_slowly_is_a_problem(shop: Shop, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", shop.port), timeout=DEADLINE_S) as client:
        client.sendall(said)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        problem: dict[str, Any] = json.loads(answer.read())
    assert (answer.status, problem["code"]) == (408, "request_timeout")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-ID"]
