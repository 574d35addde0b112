"""The proxy of the compose file in front of a shop in production: TLS, sockets, and whom it believes."""

import json
import signal
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, Request, build_opener

import pytest
from simple_websocket import Client

from benchmarks.harness.processes import free_port
from config import ROOT
from deploy.children import launch
from tests.acceptance.running import StartedPlatform
from tests.support.engines import require_binary
from tests.support.polling import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.release]
FORGED = "198.51.100.7"
ADMIN = {"email": "admin@example.com", "password": "hT7xpQ2rvLx9"}


@dataclass(frozen=True, slots=True)
class Proxied:
    """A shop behind a proxy; `authority` is the proxy's."""

    platform: StartedPlatform
    authority: str
    trust: ssl.SSLContext

    def ask(self, path: str, body: dict[str, Any] | None = None, **headers: str) -> tuple[int, Any, str]:
        """Status, headers and text of an answer."""
        data = json.dumps(body).encode() if body is not None else None
        request = Request(
            f"https://{self.authority}{path}", data, {"Content-Type": "application/json", **headers}
        )
        try:
            with build_opener(HTTPSHandler(context=self.trust)).open(request, timeout=15) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except HTTPError as error:
            return error.code, error.headers, error.read().decode()


@pytest.fixture(scope="module")
def shop() -> Iterator[StartedPlatform]:
    """The platform as production starts it, but for the money."""
    platform = StartedPlatform(
        ENVIRONMENT="production",
        PRODUCTION_ALLOWS="sandbox",
        TRUSTED_PROXIES="1",
        SECRET_KEY="0f3b8e5d9c7a4162b8d0e6f1a2c39485",
        ADMIN_PASSWORD=ADMIN["password"],
        OPS_PORT=str(free_port()),
        WEB_PROCESSES="1",
    )
    try:
        platform.start()
        yield platform
    finally:
        platform.remove()


@pytest.fixture(scope="module")
def proxied(shop: StartedPlatform) -> Iterator[Proxied]:
    """The shop behind Caddy with the file that compose mounts."""
    caddy = require_binary("caddy")
    port = free_port()
    environment = {
        "XDG_DATA_HOME": str(shop.place),
        "XDG_CONFIG_HOME": str(shop.place),
        "PROXY_HTTP_PORT": str(free_port()),
        "PROXY_HTTPS_PORT": str(port),
        "SHOP_UPSTREAM": shop.target.authority,
    }
    words = [caddy, "run", "--config", str(ROOT / "deploy/proxy/Caddyfile"), "--adapter", "caddyfile"]
    with shop.path_of_log("caddy").open("wb") as log:
        running = launch(
            words,
            death_signal=signal.SIGKILL,
            output=log,
            directory=shop.place,
            environment=environment,
        )
    try:
        root = shop.place / "caddy/pki/authorities/local/root.crt"
        eventually(root.exists, told=lambda: shop.log("caddy"))
        found = Proxied(shop, f"localhost:{port}", ssl.create_default_context(cafile=root))
        eventually(lambda: answers(found), told=lambda: shop.log("caddy"))
        yield found
    finally:
        running.kill()
        running.wait()


def answers(shop: Proxied) -> bool:
    try:
        return shop.ask("/healthz")[0] == 200
    except OSError:
        return False


def test_pages_come_by_tls_and_figures_do_not_come_at_all(proxied: Proxied) -> None:
    status, headers, text = proxied.ask("/")
    assert (status, "<html" in text) == (200, True)
    assert "max-age" in headers["Strict-Transport-Security"]
    assert proxied.ask("/metrics")[0] == 404


def test_what_a_client_says_of_its_address_is_not_believed(proxied: Proxied) -> None:
    status, _, _ = proxied.ask("/api/v1/auth/login", ADMIN, **{"X-Forwarded-For": FORGED})
    assert status == 200
    assert "logged_in" in proxied.platform.text
    assert FORGED not in proxied.platform.text
    assert "proxy_not_trusted" not in proxied.platform.text


def test_an_intent_is_decided_by_a_socket_through_the_proxy(proxied: Proxied) -> None:
    token = json.loads(proxied.ask("/api/v1/auth/login", ADMIN)[2])["access_token"]
    (sale,) = json.loads(proxied.ask("/api/v1/sales?status=open")[2])["items"]
    address = f"wss://{proxied.authority}/ws?sale={sale['id']}"
    socket = Client(address, headers={"Authorization": f"Bearer {token}"}, ssl_context=proxied.trust)
    try:
        socket.send(json.dumps({"type": "intent", "sale_id": sale["id"]}))
        said: list[dict[str, Any]] = []
        while not any(one["type"] == "order" for one in said):
            message = socket.receive(timeout=15)
            assert message, said
            said.append(json.loads(message))
    finally:
        socket.close()
    assert said[0]["type"] == "ready"


def test_who_asks_while_the_shop_is_replaced_waits(proxied: Proxied) -> None:
    gone = proxied.platform.restart_web()
    while gone & proxied.platform.pids():
        assert proxied.ask("/healthz")[0] == 200
