"""A payments worker whose broker dies in the middle of its work: it ends, or finds it again."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import text

from tests.support import warm
from tests.support.contexts import SECRET_KEY, heard_bell, plain_settings
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import Shop
from workers.watchdog import EXIT_CODE

DUE = """
    INSERT INTO sandbox_events (event_id, payload, due_at)
    VALUES ('sbx_evt_1', CAST(:payload AS jsonb), now())
"""
PAYLOAD = '{"id": "sbx_evt_1", "type": "charge.succeeded", "data": {"payment_id": "%s"}}'
WORKER = ["-P", "threads", "-c", "4", "-Q", "payments", "--without-gossip", "--without-mingle"]
DEADLINE_S = 120.0
ENDS_S = 30.0


class Trickle:
    """A host that takes a webhook and never ends its answer, so that a thread of the worker stays at work."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.has_taken, self._over = threading.Event(), threading.Event()
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._over.set()
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            taken, _ = self._server.accept()
            self.has_taken.set()
            with taken:
                taken.sendall(b"HTTP/1.1 200 OK\r\nX-Still-Here: ")
                while not self._over.wait(0.5):
                    taken.sendall(b".")


@pytest.fixture
def trickle() -> Iterator[Trickle]:
    host = Trickle()
    yield host
    host.close()


def payments_worker(stores: Stores, webhook_url: str) -> warm.Forked:
    """Start a worker of the payments' queue, as the Procfile does."""
    with (stores.place / "payments.log").open("wb") as output:
        return warm.start(
            ["celery", "-A", "workers.app", "worker", *WORKER, "--hostname", "p@tests"],
            {
                "PATH": "/usr/bin:/bin",
                "DATABASE_URL": stores.postgres.url,
                "REDIS_URL": stores.redis.url,
                "BROKER_URL": stores.broker_url,
                "DATA_DIR": str(stores.place),
                "SECRET_KEY": SECRET_KEY,
                "SANDBOX_WEBHOOK_URL": webhook_url,
                "PROCESS_NAME": "payments.1",
            },
            output,
        )


def test_a_payments_worker_that_loses_its_broker_ends_or_finds_it_again(
    fragile_stores: Stores, fragile_shop: Shop, trickle: Trickle
) -> None:
    with fragile_shop.context.database.connection() as connection:
        connection.execute(text(DUE), {"payload": PAYLOAD % fragile_shop.shopper()})
    worker = payments_worker(fragile_stores, trickle.url)

    def ends_or_says(word: str) -> bool:
        lines = (fragile_stores.place / "payments.log").read_text().splitlines()
        return worker.poll() is not None or any(word in line and "part=consumer" in line for line in lines)

    try:
        bell = heard_bell(plain_settings(fragile_stores))
        bell.ring_for_webhooks()
        eventually(trickle.has_taken.is_set, DEADLINE_S)
        fragile_stores.redis.kill()
        eventually(lambda: ends_or_says("broker_away"), DEADLINE_S)
        if worker.poll() is None:  # Celery foresaw the loss: its consumer asks until the broker is back
            fragile_stores.start()
            eventually(lambda: ends_or_says("broker_back"), DEADLINE_S)
        assert worker.poll() in (None, EXIT_CODE)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(ENDS_S)
        fragile_stores.start()
