"""Shoppers' sockets in a round of the soak: what they are told is written down; who is cut off comes back."""

import asyncio
from collections.abc import Sequence

import orjson

from benchmarks.client.crowd_socket import Socket
from benchmarks.client.http_wire import Target
from benchmarks.client.sockets import Sockets, text_message
from tests.chaos.history import Recorder


class Listeners:
    """A socket for each of some shoppers, all subscribed to one sale."""

    def __init__(
        self, target: Target, people: Sequence[tuple[str, str]], recorder: Recorder, sale: str
    ) -> None:
        self._people = people  # user's id, access token
        self._recorder = recorder
        self._sale = sale
        self._sockets = Sockets(target, self)

    async def run(self) -> None:
        """Listen until cancelled."""
        self._sockets.open(len(self._people))
        self._sockets.run_in(asyncio.get_running_loop())
        try:
            await asyncio.Event().wait()
        finally:
            self._sockets.close()

    def greet(self, socket: Socket) -> bytes:
        """Say who it is and what it watches; what was missed is told at the subscription."""
        words = (
            {"type": "auth", "token": self._people[socket.index][1]},
            {"type": "subscribe", "sale_id": self._sale},
        )
        return b"".join(text_message(orjson.dumps(word)) for word in words)

    def on_message(self, socket: Socket, payload: bytes, _at_ns: int) -> None:
        """Write down what is told of this sale's intents and orders."""
        said = orjson.loads(payload)
        kind = said.get("type")
        if kind == "intent" and said["sale_id"] == self._sale:
            self._note(
                socket,
                intent=said["id"],
                ticket=said["ticket"],
                status=said["status"],
                order=said["order_id"],
            )
        elif kind == "order" and said["sale_id"] == self._sale:
            self._note(socket, order=said["id"], order_status=said["status"])

    def on_lost(self, socket: Socket, reason: str) -> None:
        """It comes back by itself."""

    def _note(self, socket: Socket, **value: object) -> None:
        self._recorder.note("told", self._people[socket.index][0], self._sale, **value)
