"""What the sockets of one process say to the shop and hear from it, as its visitors, by number.

Every connection begins with the same words: with its handshake, who it is and what it watches; then the one
request that was not answered yet. So nobody who was away misses anything.
"""

import time
from array import array
from collections import Counter
from functools import partial
from typing import Final

import orjson

from benchmarks.client.crowd_socket import Socket
from benchmarks.client.sockets import Sockets, Upgrade, text_message
from benchmarks.sockets.rush_record import REQUEST, RushRecord
from benchmarks.sockets.snapshots import LastSnapshots

SALE: Final = b'{"type":"sale"'
INTENT: Final = b'{"type":"intent"'
ORDER: Final = b'{"type":"order"'
READY: Final = b'{"type":"ready"'
PONG: Final = b'{"type":"pong"'
PING_MESSAGE: Final = b'{"type":"ping"}'
RETRIED: Final = frozenset({"line_unavailable", "too_many_requests"})  # refusals that say: try again
RETRY_S: Final = 1.0

_IS_KNOWN, _IS_SHOWN = 1, 2  # what a connection was told of what its greeting asked for
_GREETED: Final = _IS_KNOWN | _IS_SHOWN


class Visitors:
    """A `Caller`. `ready` counts who is open and was told all that the greeting asked for."""

    sockets: Sockets  # set by who makes both

    def __init__(self, sale_id: str, tokens: tuple[str, ...], rushers: int) -> None:
        self._tokens = tokens
        self._rushers = rushers
        self._heard_back = bytearray(len(tokens))
        self.snapshots = LastSnapshots([sale_id] * len(tokens))
        self.rush = RushRecord(rushers)
        self.ready = 0
        self.pongs = 0
        self.pinged_ns = array("q")
        self.ponged_ns = array("q")
        self.errors: Counter[str] = Counter()  # what the shop refused, by code

    def __len__(self) -> int:
        return len(self._tokens)

    def come_with(self, socket: Socket) -> Upgrade:
        """Say who it is and what it watches, with the handshake."""
        token = self._tokens[socket.index]
        self._heard_back[socket.index] = 0 if token else _IS_KNOWN
        path = f"/ws?sale={self.snapshots.watched[socket.index]}".encode()
        return path, f"Authorization: Bearer {token}\r\n".encode() if token else b""

    def greet(self, socket: Socket) -> bytes:
        """Ask once more what was not answered."""
        if not self.rush.is_unanswered(socket.index):
            return b""
        self.rush.told.resent += 1
        return self._request(socket.index)

    def on_lost(self, socket: Socket, _reason: str) -> None:
        """It comes back, and is counted once more when it is here."""
        if self._heard_back[socket.index] == _GREETED:
            self.ready -= 1
        self._heard_back[socket.index] = 0
        self.rush.go_away(socket.index, time.monotonic_ns())

    def on_message(self, socket: Socket, payload: bytes, at_ns: int) -> None:
        """Take a message; nearly all are snapshots of the sale."""
        index = socket.index
        if payload.startswith(SALE):
            if self.snapshots.take(index, payload, at_ns) and self._heard_back[index] != _GREETED:
                self._hear_back(index, _IS_SHOWN, at_ns)
        elif payload.startswith(PONG):
            self.pongs += 1
            self.ponged_ns[index] = at_ns
        elif payload.startswith(INTENT):
            self.rush.take_intent(index, orjson.loads(payload), at_ns)
        elif payload.startswith(ORDER):
            self.rush.take_order(index, orjson.loads(payload)["id"])
        elif payload.startswith(READY):
            self._hear_back(index, _IS_KNOWN, at_ns)
        else:
            self._take_error(index, payload)

    def begin_echo(self) -> None:
        """Forget earlier pings."""
        self.pongs = 0
        self.pinged_ns, self.ponged_ns = (array("q", bytes(8 * len(self))) for _ in range(2))

    def ping(self, index: int) -> None:
        """Ask for a `pong`."""
        self.pinged_ns[index] = time.monotonic_ns()
        self.sockets.send(self.sockets.all[index], text_message(PING_MESSAGE))

    def turn_to(self, index: int, sale_id: str) -> None:
        """Watch another sale; what it showed is out of date."""
        frames = _message(type="unsubscribe", sale_id=self.snapshots.watched[index])
        frames += _message(type="subscribe", sale_id=sale_id)
        self.snapshots.watched[index] = sale_id
        self.sockets.send(self.sockets.all[index], frames)

    def begin_rush(self) -> None:
        """Forget an earlier rush."""
        self.rush = RushRecord(self._rushers)

    def submit(self, index: int) -> None:
        """Ask for one unit of what is watched."""
        self.rush.told.sent_ns[index] = time.monotonic_ns()
        self.sockets.send(self.sockets.all[index], self._request(index))

    def _request(self, index: int) -> bytes:
        """The same key each time: asked again, it is the same request."""
        return _message(type="intent", id=REQUEST, key=REQUEST, sale_id=self.snapshots.watched[index])

    def _ask_again(self, index: int) -> None:
        if self.rush.is_unanswered(index):
            self.rush.told.resent += 1
            self.sockets.send(self.sockets.all[index], self._request(index))

    def _hear_back(self, index: int, what: int, at_ns: int) -> None:
        if self._heard_back[index] == _GREETED:
            return
        self._heard_back[index] |= what
        if self._heard_back[index] == _GREETED:
            self.ready += 1
            self.rush.come_back(index, at_ns)

    def _take_error(self, index: int, payload: bytes) -> None:
        message = orjson.loads(payload)
        code = str(message.get("code", message.get("type")))
        self.errors[code] += 1
        if message.get("reply_to") != REQUEST:
            return
        if code in RETRIED:
            self.sockets.after(RETRY_S, partial(self._ask_again, index))
        else:
            self.rush.told.refusals[code] += 1


def _message(**fields: str) -> bytes:
    return text_message(orjson.dumps(fields))
