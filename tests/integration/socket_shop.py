"""What the tests of the socket share: a real web process over a Redis of its own, and its clients."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psutil
import websocket
from sqlalchemy import func, update

from benchmarks.harness.processes import descendants, free_port
from config import Settings, load_settings
from deploy.embedded import EmbeddedRedis
from models.enums import Role, SaleStatus
from models.errors import IllegalTransition
from models.tables.accounts import TokenFamily, User
from models.tables.catalogue import Product
from tasks.context import Context, build_context
from tasks.intents.drain import drain_sale
from tasks.intents.submit import submit_intent
from tasks.sales import lifecycle
from tests.integration.embedded_run import DEADLINE_S, ROOT, wait_until
from web import create_app
from web.auth.issue import issue_pair

SECRET_KEY: Final = "0f3b8e5d9c7a4162b8d0e6f1a2c3948576d1e0f9b8a7c6d5"
Said = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shopper:
    """Somebody with an account and a token."""

    id: uuid.UUID
    token: str
    family: uuid.UUID


class Client:
    """One socket of a client, which remembers everything that it heard."""

    def __init__(self, port: int, **options: Any) -> None:
        options.setdefault("suppress_origin", "origin" not in options)
        self.ws = websocket.create_connection(f"ws://127.0.0.1:{port}/ws", timeout=DEADLINE_S, **options)
        self.heard: list[Said] = []

    def say(self, **message: Any) -> None:
        self.ws.send(json.dumps(message))

    def hear(self) -> Said:
        """The next message. Pings are none: a server that says nothing else is not waited for without end."""
        until = time.monotonic() + DEADLINE_S
        opcode, frame = self.ws.recv_data_frame(control_frame=True)
        while opcode in {websocket.ABNF.OPCODE_PING, websocket.ABNF.OPCODE_PONG}:
            assert time.monotonic() < until, self.heard[-20:]
            opcode, frame = self.ws.recv_data_frame(control_frame=True)
        said: Said = json.loads(frame.data if opcode == websocket.ABNF.OPCODE_TEXT else "")
        self.heard.append(said)
        return said

    def hear_until(self, claim: Callable[[Said], bool]) -> Said:
        """The first message from now on of which this holds."""
        until = time.monotonic() + DEADLINE_S  # snapshots may go on coming for ever
        while not claim(said := self.hear()):
            assert time.monotonic() < until, self.heard[-20:]
        return said

    def hear_type(self, kind: str, **fields: Any) -> Said:
        """The next message of a type, with these fields."""
        return self.hear_until(
            lambda said: (
                said["type"] == kind and all(said.get(name) == value for name, value in fields.items())
            )
        )

    def ask(self, **message: Any) -> Said:
        """Say something, and hear the answer to just that."""
        self.say(**message, id="asked")
        return self.hear_until(lambda said: said.get("reply_to") == "asked")

    def closing(self) -> int:
        """Read to the end, and return the code of the close frame; 1006 where it ends without one."""
        while True:
            try:
                opcode, data = self.ws.recv_data()
            except (websocket.WebSocketConnectionClosedException, ConnectionError):
                return 1006
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big")
            if opcode == websocket.ABNF.OPCODE_TEXT:
                self.heard.append(json.loads(data))

    def close(self) -> None:
        self.ws.shutdown()  # type: ignore[no-untyped-call]


class Shop:
    """A web process (or some), its Redis, and hands to move its sales without it."""

    def __init__(self, place: Path, database_url: str, **environment: str) -> None:
        self.redis = EmbeddedRedis(place)
        self.redis.start()
        self.port = free_port()
        self._log = place / "web.log"
        self._environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": self.redis.url,
            "BROKER_URL": "",
            "SECRET_KEY": SECRET_KEY,
            "ENVIRONMENT": "development",
            "DATA_DIR": str(place),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "WEB_PROCESSES": "1",
            "RATE_LIMIT_SOCKET_MESSAGES": "200/10 seconds",
            **environment,
        }
        before = dict(os.environ)
        os.environ.update(self._environment)
        try:
            self.settings: Settings = load_settings()
        finally:
            os.environ.clear()
            os.environ.update(before)
        self.context: Context = build_context(self.settings, "tests")
        self._app = create_app(self.settings)
        self.product_id = self._make_product()
        self._clients: list[Client] = []
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, application: str = "web:create_app()", **environment: str) -> None:
        """Start the web process, with some variables for it alone."""
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "-c",
            str(ROOT / "deploy/server/gunicorn.py"),
            application,
        ]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment | environment, stdout=log, stderr=log
            )
        wait_until(self.serves, self._log.read_text)

    @property
    def runs(self) -> bool:
        """Whether the web process was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> int:
        """Stop the web process as an operator does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)

    def hang_up(self) -> None:
        """End every client's socket."""
        while self._clients:
            self._clients.pop().close()

    def close(self) -> None:
        """End everything."""
        self.hang_up()
        if self.process is not None and self.runs:
            self.process.kill()
            self.process.wait()
        self.context.database.dispose()
        self.redis.stop()

    def serves(self) -> bool:
        try:
            Client(self.port).close()
        except OSError:
            return False
        return True

    def connections(self) -> dict[int, int]:
        """How many connections each of the processes that serve has of clients."""
        assert self.process is not None
        return {
            pid: sum(
                one.status == psutil.CONN_ESTABLISHED and one.laddr.port == self.port
                for one in psutil.Process(pid).net_connections("tcp")
            )
            for pid in descendants(self.process.pid)
        }

    def signal_web(self, number: signal.Signals) -> None:
        """Send a signal to the processes that serve."""
        assert self.process is not None
        for pid in descendants(self.process.pid):
            os.kill(pid, number)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def connect(self, shopper: Shopper | None = None, **options: Any) -> Client:
        """A client's socket, authenticated if it is somebody's."""
        client = Client(self.port, **options)
        self._clients.append(client)
        if shopper is not None:
            assert client.ask(type="auth", token=shopper.token)["type"] == "ready"
        return client

    def make_shopper(self, lives_s: int | None = None) -> Shopper:
        return self.make_crowd(1, lives_s)[0]

    def make_crowd(self, count: int, lives_s: int | None = None) -> list[Shopper]:
        """As many shoppers, at once; their tokens live as long as others' unless it is said."""
        people = [(uuid.uuid4(), uuid.uuid4(), uuid.uuid4()) for _ in range(count)]
        with self.context.database.transaction() as session:
            session.add_all(
                User(id=user_id, email=f"{user_id}@example.com", role=Role.SHOPPER)
                for user_id, _, _ in people
            )
            session.flush()
            soon = func.now() + func.make_interval(0, 0, 0, 1)
            session.add_all(
                TokenFamily(id=family, user_id=user_id, newest_jti=jti, expires_at=soon)
                for user_id, family, jti in people
            )
        with self._app.app_context():
            pairs = [
                issue_pair(user_id, Role.SHOPPER, family, jti, left_s=lives_s)
                for user_id, family, jti in people
            ]
        return [
            Shopper(user_id, pair.access_token, family)
            for (user_id, family, _), pair in zip(people, pairs, strict=True)
        ]

    def revoke(self, shopper: Shopper) -> None:
        with self.context.database.transaction() as session:
            session.execute(
                update(TokenFamily).where(TokenFamily.id == shopper.family).values(revoked_at=func.now())
            )

    def open_sale(self, allocation: int = 10, limit: int = 10, price_minor: int = 1999) -> uuid.UUID:
        now = datetime.now(UTC)
        new_sale = lifecycle.NewSale(
            product_id=self.product_id,
            allocation=allocation,
            price_minor=price_minor,
            currency="USD",
            opens_at=now,
            closes_at=now + timedelta(hours=1),
            per_shopper_limit=limit,
        )
        sale = lifecycle.create_sale(self.context, new_sale)
        with suppress(IllegalTransition):  # a sweep of a worker that runs already was as quick
            lifecycle.move_sale(self.context, sale.id, SaleStatus.OPEN)
        return sale.id

    def submit(self, shopper: Shopper, sale_id: uuid.UUID, quantity: int = 1) -> Said:
        return submit_intent(self.context, shopper.id, sale_id, quantity=quantity)

    def end_sale(self, sale_id: uuid.UUID) -> None:
        lifecycle.move_sale(self.context, sale_id, SaleStatus.ENDED)

    def drain(self, sale_id: uuid.UUID) -> int:
        return drain_sale(self.context, sale_id)

    def _make_product(self) -> uuid.UUID:
        product = Product(id=uuid.uuid4(), name="Thing", list_price_minor=2999, currency="USD")
        with self.context.database.transaction() as session:
            session.add(product)
        return product.id
