"""Several web processes, and what happens to their sockets when one or all of them end."""

import asyncio
import http.client
import json
import os
import random
import resource
import signal
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import orjson
import psutil
import pytest
from websocket import WebSocketBadStatusException
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from benchmarks.harness.processes import descendants
from deploy.server.sharing import AHEAD, SAY_EVERY_S
from tests.integration.embedded_run import DEADLINE_S
from tests.integration.socket_shop import Said, Shop, Shopper
from tests.support.polling import eventually

FINAL: Final = frozenset({"held", "sold_out"})
STORM: Final = 300
FILES: Final = 600  # of which 512 are kept for everything else


@pytest.fixture
def make_shop(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """A shop with some processes, not started yet."""
    made: list[Shop] = []

    def make(processes: int, **environment: str) -> Shop:
        made.append(Shop(tmp_path, database_url, WEB_PROCESSES=str(processes), **environment))
        return made[-1]

    yield make
    for shop in made:
        shop.close()


class Visitor:
    """A shopper's client that comes back by itself, when and as often as the shop asks it to."""

    def __init__(self, shop: Shop, shopper: Shopper, sale_id: uuid.UUID) -> None:
        self.heard: list[Said] = []
        self.refusals = 0
        self._url = f"ws://127.0.0.1:{shop.port}/ws"
        self._shopper = shopper
        self._sale_id = sale_id

    async def stay(self) -> None:
        """Be connected until the verdict was heard."""
        while not self.verdicts:
            try:
                await self._visit()
            except (OSError, WebSocketException):  # refused, cut off, or nobody there
                self.refusals += 1
                await asyncio.sleep(random.uniform(0.1, 1.0))

    async def _visit(self) -> None:
        async with connect(self._url, compression=None, open_timeout=DEADLINE_S) as socket:
            await socket.send(json.dumps({"type": "auth", "token": self._shopper.token}))
            await socket.send(json.dumps({"type": "subscribe", "sale_id": str(self._sale_id)}))
            async for message in socket:
                self.heard.append(json.loads(message))
                if self.verdicts:
                    return
        if self.byes:
            await asyncio.sleep(self.byes[-1] / 1000)

    @property
    def is_watching(self) -> bool:
        return any(said["type"] == "sale" for said in self.heard)

    @property
    def byes(self) -> list[int]:
        return [said["retry_after_ms"] for said in self.heard if said["type"] == "bye"]

    @property
    def verdicts(self) -> list[str]:
        return [s["status"] for s in self.heard if s["type"] == "intent" and s["status"] in FINAL]


async def storm(shop: Shop, visitors: list[Visitor], end: Callable[[], None], *, settle: Any) -> None:
    """Everybody watches; then the shop ends in some way, decides meanwhile, and comes back."""
    staying = [asyncio.create_task(visitor.stay()) for visitor in visitors]
    await asyncio.to_thread(eventually, lambda: all(visitor.is_watching for visitor in visitors))
    await asyncio.to_thread(end)
    await asyncio.to_thread(settle)
    if shop.process is None or shop.process.poll() is not None:
        await asyncio.to_thread(shop.start)
    async with asyncio.timeout(4 * DEADLINE_S):
        await asyncio.gather(*staying)


def crowd_in_line(shop: Shop, count: int) -> tuple[uuid.UUID, list[Visitor]]:
    sale_id = shop.open_sale(allocation=count // 10)
    shoppers = shop.make_crowd(count)
    for shopper in shoppers:
        shop.submit(shopper, sale_id)
    return sale_id, [Visitor(shop, shopper, sale_id) for shopper in shoppers]


def test_a_crowd_that_a_restart_sent_away_comes_back_and_misses_no_verdict(
    make_shop: Callable[..., Shop],
) -> None:
    shop = make_shop(2, RATE_LIMIT_SOCKET_CONNECTS="100/second")
    shop.start()
    sale_id, visitors = crowd_in_line(shop, STORM)

    def settle() -> None:
        eventually(lambda: shop.drain(sale_id) == 0)
        shop.end_sale(sale_id)
        eventually(lambda: shop.drain(sale_id) == 0)

    asyncio.run(storm(shop, visitors, lambda: assert_ended(shop), settle=settle))
    assert Counter(visitor.verdicts[-1] for visitor in visitors) == {
        "held": STORM // 10,
        "sold_out": STORM - STORM // 10,
    }
    told = [bye for visitor in visitors for bye in visitor.byes]
    assert len(told) == STORM
    assert len(set(told)) > 20  # not all at the same time
    assert any(visitor.refusals for visitor in visitors)  # the storm was more than the rate lets in


def assert_ended(shop: Shop) -> None:
    assert shop.stop() == 0


def test_a_process_that_is_killed_costs_nobody_the_verdict(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(2)
    shop.start()
    sale_id, visitors = crowd_in_line(shop, 60)

    def kill() -> None:
        assert shop.process is not None
        os.kill(min(descendants(shop.process.pid)), signal.SIGKILL)

    def settle() -> None:
        eventually(lambda: shop.drain(sale_id) == 0)
        shop.end_sale(sale_id)
        eventually(lambda: shop.drain(sale_id) == 0)

    asyncio.run(storm(shop, visitors, kill, settle=settle))
    assert Counter(visitor.verdicts[-1] for visitor in visitors) == {"held": 6, "sold_out": 54}


def sockets_of(shop: Shop) -> dict[int, int]:
    """How many connections each process has of clients."""
    assert shop.process is not None
    return {
        pid: sum(
            one.status == psutil.CONN_ESTABLISHED and one.laddr.port == shop.port
            for one in psutil.Process(pid).net_connections("tcp")
        )
        for pid in descendants(shop.process.pid)
    }


def start_all(shop: Shop) -> None:
    """Start the shop, and wait until each of its processes serves."""
    shop.start()

    def all_serve() -> bool:
        for _ in range(AHEAD + 1):  # so many that a process which took them all would let another go first
            if not can_connect(shop):  # those who are there have no room for all until the last one is
                shop.hang_up()
                return False
        return all(sockets_of(shop).values())

    eventually(all_serve, 2 * DEADLINE_S)
    shop.hang_up()
    eventually(lambda: not any(sockets_of(shop).values()))


def test_a_process_that_was_away_gets_the_next_connections(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(3)
    start_all(shop)
    away = min(sockets_of(shop))
    os.kill(away, signal.SIGSTOP)
    eventually(lambda: psutil.Process(away).status() == psutil.STATUS_STOPPED)  # else it may take one more
    for _ in range(300):
        shop.connect()
    os.kill(away, signal.SIGCONT)
    time.sleep(2 * SAY_EVERY_S)  # until it has told the others of itself
    before = sockets_of(shop)
    for _ in range(80):
        shop.connect()
    after = sockets_of(shop)
    assert sum(after.values()) == 380
    assert after[away] - before[away] > 40  # by chance it would be 27


def test_full_processes_fill_each_other_up_and_then_refuse_sockets_only(
    make_shop: Callable[..., Shop],
) -> None:
    shop = make_shop(2)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, limits[1]))
    try:
        start_all(shop)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    for _ in range(2 * (FILES - 512)):
        eventually(lambda: can_connect(shop))  # who is the last of one process may be told to come again
    assert set(sockets_of(shop).values()) == {FILES - 512}
    status, headers, body = ask(shop, "/ws")
    assert (status, orjson.loads(body)["code"]) == (503, "no_room")
    assert int(headers["retry-after"]) >= 1
    assert headers["content-type"] == "application/problem+json"
    assert "x-request-id" in headers
    assert "server" not in headers  # gunicorn never saw it: it was refused at the cheap way
    assert ask(shop, "/healthz")[0] == 200


def can_connect(shop: Shop) -> bool:
    try:
        shop.connect()
    except WebSocketBadStatusException as refusal:
        if b"no_room" not in (refusal.resp_body or b""):
            raise
        return False
    return True


def ask(shop: Shop, path: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=DEADLINE_S)
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    try:
        connection.request("GET", path, headers=headers if path == "/ws" else {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_a_peer_that_vanished_leaves_no_process_waiting(make_shop: Callable[..., Shop]) -> None:
    """Its end is heard of by the first byte that is sent to it; a silent one, by the heartbeat."""
    shop = make_shop(1)
    shop.start()
    sale_id = shop.open_sale()
    client = shop.connect()
    client.ask(type="subscribe", sale_id=str(sale_id))
    sock = client.ws.sock
    assert sock is not None
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    sock.close()
    eventually(lambda: set(sockets_of(shop).values()) == {0})
