"""A shop of one sale, small enough to trust, with faults to plant: what the crowd's tests rush.

It speaks the contract's HTTP and WebSocket over asyncio streams, in a thread of its own.
"""

import asyncio
import base64
import hashlib
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from benchmarks.client.frames import ACCEPT_SUFFIX, CLOSE, TEXT, mask

NEAR = "127.0.0.1"
AFAR = "127.0.0.2"  # this machine too, but not by a name for which accounts are looked for in a database
ADMIN = {"email": "admin@example.com", "password": "rush-admin"}
Reply = tuple[int, Any]


class FakeShop:
    """The books of the shop. Each fault is a set of names; the code asks `faults` where it would sin."""

    def __init__(self, faults: frozenset[str] = frozenset()) -> None:
        self.faults = faults
        self.url = ""
        self.sale: dict[str, Any] = {}
        self.intents: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.payments: dict[str, list[dict[str, Any]]] = {}  # order's id → attempts to charge it
        self.owner: dict[str, str] = {}  # intent id → user
        self.by_key: dict[tuple[str, str], str] = {}
        self.sockets: dict[str, list[asyncio.StreamWriter]] = {}
        self.seen = 0  # submissions that arrived
        self.used: set[str] = set()  # faults that strike once a user

    def once(self, fault: str, user: str) -> bool:
        """Whether a fault strikes this user now."""
        if fault not in self.faults or f"{fault}{user}" in self.used:
            return False
        self.used.add(f"{fault}{user}")
        return True

    def route(self, method: str, path: str, user: str, key: str, body: dict[str, Any]) -> Reply:  # noqa: PLR0911, PLR0912
        parts = path.partition("?")[0].removeprefix("/api/v1").strip("/").split("/")
        match [method, *parts]:
            case ["GET", "readyz"]:
                return 200, {}
            case ["POST", "auth", "register"]:
                return 201, {"user": {"id": body["email"]}}
            case ["POST", "auth", "login"] if body["email"] == ADMIN["email"] and body != ADMIN:
                return 401, {"code": "unauthenticated"}
            case ["POST", "auth", "login"]:
                role = "admin" if body == ADMIN else "shopper"
                return 200, {"access_token": body["email"], "user": {"id": body["email"], "role": role}}
            case ["POST", "products"]:
                return 201, {"id": "p1"}
            case ["POST", "sales"]:
                return 201, self.create_sale(body)
            case ["POST", "sales", _, "intents"]:
                return self.submit(user, key, body)
            case ["POST", "sales", _, verb]:
                return self.move(verb)
            case ["POST", "orders", order_id, "payments"]:
                return self.pay(order_id, body["method"])
            case ["GET", "orders", order_id, "payments"]:
                return 200, {"payments": self.payments[order_id], "refunds": []}
            case ["GET", "sales", _]:
                return 200, self.sale
            case ["GET", ("intents" | "orders") as rows]:
                return self.page(rows, path)
            case ["GET", ("intents" | "orders") as rows, row_id]:
                return 200, (self.intents if rows == "intents" else self.orders)[row_id]
        return 404, {"code": "not_found"}

    def create_sale(self, body: dict[str, Any]) -> dict[str, Any]:
        units = body["allocation"]
        self.sale = {"id": str(uuid.uuid4()), "status": "scheduled", "allocation": units, "available": units}
        self.sale |= {"held": 0, "sold": 0, "hold_seconds": body["hold_seconds"]}
        return self.sale

    def page(self, rows: str, path: str) -> Reply:
        """Two rows a page, so that paging is met."""
        kept = list((self.intents if rows == "intents" else self.orders).values())
        start = int(path.partition("cursor=")[2] or 0)
        more = start + 2 < len(kept)
        return 200, {"items": kept[start : start + 2], "next_cursor": str(start + 2) if more else None}

    def submit(self, user: str, key: str, body: dict[str, Any]) -> Reply:
        self.seen += 1
        if self.once("busy", user):
            return 503, {"code": "line_unavailable"}
        if self.once("throttled", user):
            return 429, {"code": "too_many_requests"}
        if (user, key) in self.by_key and "forgets_keys" not in self.faults:
            return 202, self.intents[self.by_key[user, key]]
        intent = {"id": str(uuid.uuid4()), "sale_id": self.sale["id"], "quantity": body["quantity"]}
        intent |= {"ticket": len(self.intents) + 1, "status": "queued", "order_id": None, "type": "intent"}
        self.intents[intent["id"]] = intent
        self.owner[intent["id"]] = user
        self.by_key[user, key] = intent["id"]
        answer = dict(intent)
        self.decide(intent)
        return 202, answer

    def decide(self, intent: dict[str, Any]) -> None:
        quantity, allowed = intent["quantity"], self.sale["available"]
        if "oversells" in self.faults:
            allowed += quantity
        if "lifo" in self.faults and intent["ticket"] == 1:
            allowed = 0
        if quantity <= allowed:
            order = {"id": str(uuid.uuid4()), "intent_id": intent["id"], "sale_id": self.sale["id"]}
            order |= {"quantity": quantity, "status": "held", "type": "order", "receipt_number": None}
            order |= {"total": {"amount_minor": 1999 * quantity, "currency": "USD"}}
            order |= {"history": [{"status": "held", "reason": None}]}
            self.orders[order["id"]] = order
            self.payments[order["id"]] = []
            asyncio.get_running_loop().call_later(self.sale["hold_seconds"], self.expire, order)
            self.shift("available", "held", quantity)
            intent |= {"status": "held", "order_id": order["id"]}
            self.tell(intent["id"], order)
        else:
            intent["status"] = "sold_out" if "lifo" in self.faults else "standby"
        self.tell(intent["id"], intent)

    def shift(self, source: str, goal: str, units: int) -> None:
        self.sale[source] -= units
        self.sale[goal] += units

    def move(self, verb: str) -> Reply:
        if verb == "open":
            self.sale["status"] = "open"
        elif verb == "end" and self.sale["status"] != "ended":
            self.sale["status"] = "ended"
            self.send_away()
        else:
            return (404, {}) if verb == "audit" else (409, {"code": "illegal_transition"})
        return 200, self.sale

    def pay(self, order_id: str, method: str) -> Reply:
        if "no_payments" in self.faults:
            return 404, {"code": "not_found"}
        order = self.orders[order_id]
        if order["status"] != "held":
            return 409, {"code": "order_not_held"}
        answer = order | {"status": "paying"}
        if method == "sandbox_decline":
            self.charge(order, "declined")
            self.change(order, "held", "card_declined")
            return 202, answer
        self.charge(order, "succeeded")
        if self.once("charges_twice", order_id):
            self.charge(order, "succeeded")
        order["receipt_number"] = (
            f"2026-{sum(one['status'] == 'paid' for one in self.orders.values()) + 1:06}"
        )
        self.shift("held", "sold", order["quantity"])
        self.change(order, "paid")
        self.send_away()
        return 202, answer

    def charge(self, order: dict[str, Any], status: str) -> None:
        self.payments[order["id"]].append(
            {"id": str(uuid.uuid4()), "status": status, "amount": order["total"]}
        )

    def expire(self, order: dict[str, Any]) -> None:
        """End a hold that nobody paid; what comes back goes to the oldest who stands by, if all is well."""
        if order["status"] != "held":
            return
        self.shift("held", "available", order["quantity"])
        self.change(order, "expired", "deadline_passed")
        waiting = [one for one in self.intents.values() if one["status"] == "standby"]
        if waiting and "keeps_what_expires" not in self.faults:
            self.decide(waiting[0])
        self.send_away()

    def send_away(self) -> None:
        """Tell everybody on standby that there is no hope, once there is none."""
        if self.sale["held"] and self.sale["status"] != "ended":
            return
        for intent in self.intents.values():
            if intent["status"] == "standby":
                intent["status"] = "sold_out"
                self.tell(intent["id"], intent)

    def change(self, order: dict[str, Any], status: str, reason: str | None = None) -> None:
        order["status"] = status
        order["history"].append({"status": status, "reason": reason})
        self.tell(order["intent_id"], order)

    def tell(self, intent_id: str, message: dict[str, Any]) -> None:
        user = self.owner[intent_id]
        if "silent" in self.faults:
            return
        if message["type"] == "intent" and self.once("breaks_sockets", user):
            for writer in self.sockets.pop(user, []):
                writer.transport.abort()
        for writer in self.sockets.get(user, []):
            writer.write(frame(message))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, HTTP until it asks to be a socket."""
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                method, path, _ = head.split(" ", 2)
                headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
                if path == "/ws":
                    key = next(
                        line[19:] for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Key")
                    )
                    await self.serve_socket(reader, writer, key.encode())
                    return
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                user = headers.get("authorization", "").removeprefix("bearer ")
                asked = orjson.loads(body) if body else {}
                status, said = self.route(method, path, user, headers.get("idempotency-key", ""), asked)
                if path.endswith("/intents") and status == 202 and self.once("drops_answers", user):
                    return
                text = orjson.dumps(said)
                extra = "Retry-After: 0\r\n" if status in {429, 503} else ""
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{extra}"
                    f"Content-Length: {len(text)}\r\n\r\n".encode()
                    + text
                )
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            return  # the client is gone, or the shop closes
        finally:
            writer.close()

    async def serve_socket(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: bytes
    ) -> None:
        accept = base64.b64encode(hashlib.sha1(key + ACCEPT_SUFFIX, usedforsecurity=False).digest()).decode()
        switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(f"{switch}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        user = ""
        while (said := await read_message(reader)) is not None:
            if said["type"] == "auth":
                user = said["token"].lower()
                writer.write(frame({"type": "ready", "user_id": user}))
            elif said["type"] == "subscribe":
                self.sockets.setdefault(user, []).append(writer)
                writer.write(frame({"type": "sale", "sale_id": self.sale["id"]}))
                for intent_id, owner in self.owner.items():
                    if owner == user:
                        writer.write(frame(self.intents[intent_id]))


def frame(message: dict[str, Any]) -> bytes:
    """A server's frame."""
    text = orjson.dumps(message)
    size = bytes((len(text),)) if len(text) < 126 else bytes((126,)) + len(text).to_bytes(2, "big")
    return bytes((0x80 | TEXT,)) + size + text


async def read_message(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """A client's message, or nothing at its goodbye."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    key = await reader.readexactly(4)
    payload = mask(await reader.readexactly(size), key)
    said: dict[str, Any] | None = None if first & 0x0F == CLOSE else orjson.loads(payload)
    return said


@contextmanager
def running_shop(*faults: str, host: str = AFAR) -> Iterator[FakeShop]:
    """Serve a shop on a free port while the block lasts."""
    shop = FakeShop(frozenset(faults))
    started, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        server = await asyncio.start_server(shop.serve, host, 0, backlog=512)
        shop.url = f"http://{host}:{server.sockets[0].getsockname()[1]}"
        started.set()
        await stop.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield shop
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
