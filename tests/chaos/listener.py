"""Owns a shopper's socket in the soak: it writes down what it is told, and comes back when it is cut off."""

import asyncio
from typing import Any, Final

import orjson

from benchmarks.http_wire import Target
from benchmarks.ws_wire import WebSocket, open_socket
from tests.chaos.history import Recorder

PAUSE_S: Final = 0.5


class Listener:
    """One socket, subscribed to one sale."""

    def __init__(self, target: Target, token: str, recorder: Recorder, who: str, sale: str) -> None:
        self._target = target
        self._token = token
        self._recorder = recorder
        self._who = who
        self._sale = sale
        self._socket: WebSocket | None = None
        self._lost = asyncio.Event()

    async def run(self) -> None:
        """Listen until cancelled."""
        try:
            while True:
                self._lost.clear()
                try:
                    self._socket = await open_socket(self._target, self._hear, lambda _: self._lost.set())
                    self._send({"type": "auth", "token": self._token})
                    await self._lost.wait()
                except (OSError, TimeoutError):
                    pass  # it is being restarted; what was missed is told at the next subscription
                await asyncio.sleep(PAUSE_S)
        finally:
            if self._socket is not None:
                self._socket.close()

    def _send(self, message: dict[str, Any]) -> None:
        if self._socket is not None:
            self._socket.send(orjson.dumps(message))

    def _hear(self, message: bytes) -> None:
        said = orjson.loads(message)
        kind = said.get("type")
        if kind == "ready":
            self._send({"type": "subscribe", "sale_id": self._sale})
        elif kind == "intent" and said["sale_id"] == self._sale:
            self._note(
                intent=said["id"], ticket=said["ticket"], status=said["status"], order=said["order_id"]
            )
        elif kind == "order" and said["sale_id"] == self._sale:
            self._note(order=said["id"], order_status=said["status"])

    def _note(self, **value: Any) -> None:
        self._recorder.note("told", self._who, self._sale, **value)
