"""Several web processes, and what happens to their sockets when one or all of them end."""

import asyncio
import http.client
import json
import os
import random
import resource
import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

import orjson
import psutil
import pytest
from websocket import WebSocketBadStatusException
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from deploy.server.sharing import AHEAD, SAY_EVERY_S
from tests.integration.embedded_run import DEADLINE_S
from tests.integration.socket_shop import Said, Shop, Shopper
from tests.support.polling import eventually

FINAL: Final = frozenset({"held", "sold_out"})
OTHER_FILES: Final = 512  # that a process keeps for everything but sockets
ROOM: Final = 250
NEXT: Final = 100  # connections that come when a process is back


@pytest.fixture(scope="module")
def running_shop(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with two processes, each of which has room for so many sockets."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with closing(Shop(tmp_path_factory.mktemp("shop"), database_url, WEB_PROCESSES="2")) as shop:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OTHER_FILES + ROOM, limits[1]))
        try:
            shop.start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        yield shop


@pytest.fixture
def shop(running_shop: Shop) -> Iterator[Shop]:
    """The same, when both serve and nobody is connected."""
    eventually(lambda: all_serve(running_shop), 2 * DEADLINE_S)
    running_shop.hang_up()
    eventually(lambda: not any(running_shop.connections().values()))
    yield running_shop
    running_shop.hang_up()


def all_serve(shop: Shop) -> bool:
    for _ in range(AHEAD + 1):  # so many that a process which took them all would let another go first
        if not can_connect(shop):  # the one that is there has no room for all until the other is
            shop.hang_up()
            return False
    found = shop.connections()
    return len(found) == 2 and all(found.values())


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


async def storm(shop: Shop, sale_id: uuid.UUID, visitors: list[Visitor], end: Callable[[], None]) -> None:
    """Everybody watches; then the shop ends in some way, decides, and comes back, for fewer at once."""
    staying = [asyncio.create_task(visitor.stay()) for visitor in visitors]
    await asyncio.to_thread(eventually, lambda: all(visitor.is_watching for visitor in visitors))
    await asyncio.to_thread(end)
    await asyncio.to_thread(settle, shop, sale_id)
    if not shop.runs:
        await asyncio.to_thread(shop.start, RATE_LIMIT_SOCKET_CONNECTS=f"{len(visitors) // 6}/second")
    async with asyncio.timeout(4 * DEADLINE_S):
        await asyncio.gather(*staying)


def settle(shop: Shop, sale_id: uuid.UUID) -> None:
    """Decide on everybody, and end the sale for who stands by."""
    eventually(lambda: shop.drain(sale_id) == 0)
    shop.end_sale(sale_id)
    eventually(lambda: shop.drain(sale_id) == 0)


def crowd_in_line(shop: Shop, count: int) -> tuple[uuid.UUID, list[Visitor]]:
    sale_id = shop.open_sale(allocation=count // 10)
    shoppers = shop.make_crowd(count)
    for shopper in shoppers:
        shop.submit(shopper, sale_id)
    return sale_id, [Visitor(shop, shopper, sale_id) for shopper in shoppers]


def verdicts(visitors: list[Visitor]) -> Counter[str]:
    """What each heard last."""
    return Counter(visitor.verdicts[-1] for visitor in visitors)


def test_a_process_that_was_away_gets_the_next_connections(shop: Shop) -> None:
    away = min(shop.connections())
    os.kill(away, signal.SIGSTOP)
    eventually(lambda: psutil.Process(away).status() == psutil.STATUS_STOPPED)  # else it may take one more
    for _ in range(AHEAD + NEXT + 20):  # so that the other is ahead to the end
        shop.connect()
    os.kill(away, signal.SIGCONT)
    time.sleep(2 * SAY_EVERY_S)  # until it has told the other of itself
    before = shop.connections()
    for _ in range(NEXT):
        shop.connect()
    after = shop.connections()
    assert sum(after.values()) == AHEAD + 2 * NEXT + 20
    assert after[away] - before[away] > 0.62 * NEXT  # by chance it would be half


def test_full_processes_fill_each_other_up_and_then_refuse_sockets_only(shop: Shop) -> None:
    for _ in range(2 * ROOM):
        eventually(lambda: can_connect(shop))  # who is the last of one process may be told to come again
    assert set(shop.connections().values()) == {ROOM}
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


def test_a_process_that_is_killed_costs_nobody_the_verdict(shop: Shop) -> None:
    sale_id, visitors = crowd_in_line(shop, 60)
    asyncio.run(storm(shop, sale_id, visitors, lambda: os.kill(min(shop.connections()), signal.SIGKILL)))
    assert verdicts(visitors) == {"held": 6, "sold_out": 54}


@pytest.mark.parametrize("count", [60, pytest.param(300, marks=pytest.mark.release)])
def test_a_crowd_that_a_restart_sent_away_comes_back_and_misses_no_verdict(shop: Shop, count: int) -> None:
    sale_id, visitors = crowd_in_line(shop, count)

    def end() -> None:
        assert shop.stop() == 0

    asyncio.run(storm(shop, sale_id, visitors, end))
    assert verdicts(visitors) == {"held": count // 10, "sold_out": count - count // 10}
    told = [bye for visitor in visitors for bye in visitor.byes]
    assert len(told) == count
    assert len(set(told)) > 20  # not all at the same time
    assert any(visitor.refusals for visitor in visitors)  # the storm was more than the rate lets in
