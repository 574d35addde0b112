"""One purchase through real processes, traced and logged: all is named by its ids, and nobody by name."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
from sqlalchemy import text

from config import Settings
from tests.integration.socket_shop import Shop
from tests.support.collector import Collector, collecting
from tests.support.polling import eventually
from tests.support.postbox import Postbox, postbox_open
from tests.support.servers import Stores
from tests.support.workers import Worker

EMAIL: Final = "grace.hopper@nowhere.example"
NAME: Final = "Grace Brewster Murray"
PASSWORD: Final = "a ship in port is safe"
CALLER: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
KEY: Final = "key-of-one-press"
STAGES: Final = ["POST intent", "line", "claim", "commit", "settle", "socket"]  # as they begin


@dataclass
class Scene:
    """What was said and written while somebody bought something."""

    sale_id: str
    intent: dict[str, Any]
    order: dict[str, Any]
    secrets: list[str]
    collector: Collector
    postbox: Postbox
    logs: str

    @property
    def trace_id(self) -> str:
        return str(self.intent["id"]).replace("-", "")


class Person:
    """Somebody who asks the shop by HTTP."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.token = ""
        self.refresh_token = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        status, said = self._send(method, path, body, headers)
        assert status < 300, said
        return json.loads(said)

    def is_refused(self, path: str, **body: str) -> bool:
        return 400 <= self._send("POST", path, body, {})[0] < 500

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        sent = {"Content-Type": "application/json", **headers}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        connection.request(method, f"/api/v1{path}", json.dumps(body) if body is not None else None, sent)
        answer = connection.getresponse()
        with closing(connection):
            return answer.status, answer.read()

    def log_in(self, email: str, password: str) -> None:
        said = self.ask("POST", "/auth/login", {"email": email, "password": password})
        self.token, self.refresh_token = said["access_token"], said["refresh_token"]


def subjects(postbox: Postbox) -> set[str]:
    """What the letters that came are about, by the first words of their subjects."""
    return {str(letter["Subject"]).split()[0] for letter in postbox.letters}


@pytest.fixture(scope="module")
def scene(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Register, log in, press, pay and be given it back, with mail; and send a line that cannot be read."""
    with ExitStack() as ending:
        collector, postbox = ending.enter_context(collecting()), ending.enter_context(postbox_open())
        told = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "TRACES_SAMPLE_RATIO": "1",
            "TRACES_FOLLOW_CALLERS": "1",
            "LOG_JSON": "1",
            "ACCESS_LOG": "1",
            "SMTP_URL": f"smtp://127.0.0.1:{postbox.port}",
            "MAIL_FROM": "Shop <receipts@shop.example>",
            "LOG_LEVEL": "DEBUG",
        }
        place = tmp_path_factory.mktemp("traced")
        shop = Shop(place, database_url)
        ending.callback(shop.close)
        shop.start(**told, PROCESS_NAME="web")
        over = cast(Stores, _Stores(place, shop.redis, shop.settings))
        worker = Worker(over, queue="drain,payments", database_url=database_url, variables=told)
        ending.callback(worker.end)
        eventually(lambda: worker.is_ready, told=lambda: worker.text)
        yield _play(shop, worker, collector, postbox)


def test_one_purchase_is_one_trace_through_all_processes(scene: Scene) -> None:
    spans = scene.collector.of(scene.trace_id)
    names = [one.name for one in spans]
    assert [name for name in names if name != "bell"] == STAGES
    assert names.count("bell") == 1
    first = next(one for one in spans if one.name == "POST intent")
    assert (first.parent_id, first.links) == ("", (CALLER.split("-")[1],))
    assert {one.parent_id for one in spans if one is not first} == {first.span_id}
    assert len({one.span_id for one in spans}) == len(spans)
    assert first is spans[0]
    services = {one.name: one.service for one in spans}
    assert services["POST intent"] == services["bell"] == services["socket"] == "web"
    assert services["claim"] == services["commit"] == services["settle"] != "web"


def test_each_stage_names_its_sale_ticket_and_task(scene: Scene) -> None:
    for one in scene.collector.of(scene.trace_id):
        assert one.facts["sale.id"] == scene.sale_id
        assert one.facts["intent.id"] == scene.intent["id"]
        assert one.facts["intent.ticket"] == scene.intent["ticket"]
        assert ("celery_task_id" in one.facts) == (one.name in {"claim", "commit", "settle"})


def test_the_log_is_json_and_names_requests_sales_tickets_tasks_and_traces(scene: Scene) -> None:
    lines = [json.loads(line) for line in scene.logs.splitlines()]
    wanted = {"event", "level", "timestamp", "process"}
    assert [line for line in lines if not wanted <= line.keys()] == []
    [asked] = [line for line in lines if line["event"] == "intent_asked"]
    assert asked["trace_id"] == scene.trace_id
    assert (asked["sale_id"], asked["ticket"]) == (scene.sale_id, scene.intent["ticket"])
    assert asked["outcome"] == "accepted"
    assert asked["request_id"] == "press-1"
    [decided] = [line for line in lines if line["event"] == "claim_settled"]
    assert (decided["trace_id"], decided["tickets"]) == (scene.trace_id, str(scene.intent["ticket"]))
    assert decided["celery_task_id"]


def test_neither_log_nor_traces_tell_anything_personal(scene: Scene) -> None:
    assert "paid" in str(scene.order["history"])
    assert subjects(scene.postbox) >= {"Receipt", "Refund"}
    told = scene.logs + "".join(body.decode("latin-1") for body in scene.collector.raw)
    assert "Invalid request" in told
    found = [secret for secret in scene.secrets if secret.lower() in told.lower()]
    assert found == []


@dataclass
class _Stores:
    """What a worker needs to know of a shop's stores."""

    place: Path
    redis: Any
    settings: Settings

    @property
    def postgres(self) -> Any:
        return SimpleNamespace(url=self.settings.database_url)

    @property
    def broker_url(self) -> str:
        return self.settings.broker_url


def _play(shop: Shop, worker: Worker, collector: Collector, postbox: Postbox) -> Scene:
    sale_id, people = str(shop.open_sale(allocation=5)), (Person(shop.port), Person(shop.port))
    shopper, admin = people
    for person, email in ((shopper, EMAIL), (admin, f"boss.{EMAIL}")):
        person.ask("POST", "/auth/register", {"email": email, "password": PASSWORD, "name": NAME})
    shopper.ask("POST", "/auth/register", {"email": EMAIL, "password": PASSWORD})  # known, which is not told
    assert shopper.is_refused("/auth/login", email=EMAIL, password=f"{PASSWORD}!")
    assert shopper.is_refused("/auth/login", email=f"no.{EMAIL}", password=PASSWORD)
    with shop.context.database.connection() as connection:
        connection.execute(
            text("UPDATE users SET role = 'admin', staff_role = 'owner' WHERE email = :email"),
            {"email": f"boss.{EMAIL}"},
        )
    shopper.log_in(EMAIL, PASSWORD)
    admin.log_in(f"boss.{EMAIL}", PASSWORD)
    listening = shop.connect()
    listening.ask(type="auth", token=shopper.token)
    headers = {"traceparent": CALLER, "Idempotency-Key": KEY, "X-Request-ID": "press-1"}
    shopper.ask("POST", f"/sales/{sale_id}/intents", {}, **headers)
    intent = listening.hear_type("intent", status="held")
    order_id = intent["order_id"]
    shopper.ask(
        "POST", f"/orders/{order_id}/payments", {"method": "sandbox_ok"}, **{"Idempotency-Key": "first"}
    )
    listening.hear_type("order", status="paid")
    admin.ask("POST", f"/orders/{order_id}/refund", {"reason": "regretted"})
    order = listening.hear_type("order", status="refunded")
    eventually(lambda: subjects(postbox) >= {"Receipt", "Refund"}, told=lambda: worker.text)
    _send_a_line_that_cannot_be_read(shop.port, shopper.token)
    trace_id = str(intent["id"]).replace("-", "")
    eventually(lambda: len(collector.of(trace_id)) >= len(STAGES) + 1, told=lambda: collector.of(trace_id))
    secrets = [EMAIL, "nowhere.example", NAME, "hopper", PASSWORD, KEY, shop.settings.secret_key]
    secrets += [token for one in people for token in (one.token, one.refresh_token)]
    secrets += [part for token in secrets[-4:] for part in token.split(".")[1:]]
    return Scene(sale_id, intent, order, secrets, collector, postbox, shop.log + worker.text)


def _send_a_line_that_cannot_be_read(port: int, token: str) -> None:
    """With bare CRs for line ends the whole head is one line, and its token a part of the version."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"GET /api/v1/me HTTP/1.1\rAuthorization: Bearer {token}\r\r\r\n\r\n".encode())
        assert b" 400 " in connection.recv(4096)
