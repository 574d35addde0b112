"""Operators have a port of their own, where they are told without showing anything."""

import http.client

from tests.integration.distant_shop import DistantShop
from tests.integration.embedded_run import DEADLINE_S


def status(port: int, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_port_of_their_own_tells_operators(distant_shop: DistantShop) -> None:
    port = distant_shop.settings.ops.port
    assert status(port, "/metrics") == 200
    assert status(distant_shop.port, "/metrics") == 401
    assert status(distant_shop.port, "/metrics", Host=f"127.0.0.1:{port}") == 401
    assert status(distant_shop.port, "/readyz") == 200
