"""Owns one open WebSocket: its frames in and out, its bounds, and its end. Knows no message's meaning."""

import random
import socket
import time
from typing import TYPE_CHECKING, Final, Protocol

import orjson
from wsproto.connection import SERVER
from wsproto.connection import Connection as Parser
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import ProtocolError

from web.auth.tokens import Verified
from web.live.gate import Gate
from web.live.metrics import CUT_OFF
from web.live.wire import (
    MAX_PENDING,
    PING,
    POLICY,
    PROTOCOL_ERROR,
    TOO_BIG,
    UNSUPPORTED,
    Wire,
    close_frame,
    pong_frame,
    text_frame,
)

if TYPE_CHECKING:
    from web.live.watch import Watch

MAX_MESSAGE: Final = 4096  # bytes
MAX_PIECES: Final = 64  # frames or reads that one message may come in
MAX_INBOX: Final = 16  # messages not handled yet; then the socket is not read
HEARTBEAT_S: Final = 25.0
SILENCE_S: Final = 55.0  # without a byte for so long, the peer is not there
IDLE_S: Final = 30.0  # to authenticate or subscribe
WRITE_DEADLINE_S: Final = 10.0  # for a reader to take everything that waits for it
GOODBYE_S: Final = 2.0  # for the peer to close after our close frame


class Keeper(Protocol):
    """Who minds the connections. Its methods are called in the middle of things and must not wait."""

    def on_message(self, connection: "Connection") -> None:
        """The inbox has a message more."""

    def on_drained(self, connection: "Connection") -> None:
        """The reader has taken everything."""

    def on_interest(self, connection: "Connection") -> None:
        """What the connection waits for has changed."""

    def on_gone(self, connection: "Connection") -> None:
        """The connection is closed and must be forgotten."""

    def lets_through(self, connection: "Connection", now: float) -> bool:
        """Count something that the peer sent; False where it may be dropped, for it is too much."""


class Connection:
    """An open WebSocket. All its methods return at once."""

    __slots__ = (
        "_closing_since",
        "_keeper",
        "_parser",
        "_parts",
        "_pieces",
        "_ping_at",
        "_size",
        "due",
        "gate",
        "heard_at",
        "identity",
        "identity_until",
        "inbox",
        "is_busy",
        "is_gone",
        "opened_at",
        "watched",
        "wire",
    )

    def __init__(self, sock: socket.socket, keeper: Keeper) -> None:
        now = time.monotonic()
        self.wire = Wire(sock)
        self.gate = Gate()
        self.identity: Verified | None = None
        self.identity_until = 0.0  # monotonic seconds
        self.watched: dict[Watch, int] = {}  # the sales, each with the version that was sent last
        self.inbox: list[str] = []
        self.is_busy = False  # somebody handles the inbox
        self.is_gone = False
        self.opened_at = now
        self.heard_at = now
        self.due = 0.0  # when to look after it next
        self._ping_at = now + HEARTBEAT_S * random.uniform(0.5, 1.0)  # noqa: S311 - spreads, hides nothing
        self._closing_since = 0.0
        self._keeper = keeper
        self._parser = Parser(SERVER)
        self._parts: list[str] = []
        self._size = 0
        self._pieces = 0

    @property
    def user_id(self) -> str | None:
        """Whose socket it is."""
        return str(self.identity.identity.user_id) if self.identity else None

    @property
    def is_open(self) -> bool:
        """Whether messages still come and go."""
        return not self.is_gone and not self._closing_since

    @property
    def wants_reading(self) -> bool:
        """Whether there is room for more messages."""
        return len(self.inbox) < MAX_INBOX

    def push(self, frame: bytes) -> None:
        """Send a frame that must arrive while the socket lives: who takes too little is cut off."""
        if not self.is_open:
            return
        if self.wire.pending + len(frame) > MAX_PENDING:
            self.cut_off("outbox_full")
        else:
            self._write(frame)

    def offer(self, watch: "Watch") -> bool:
        """Send a sale's newest picture, unless it has that already or the reader is behind.

        Who is behind gets the newest when everything was taken: nothing piles up.
        """
        known = self.watched.get(watch)
        if known is None or known == watch.version or self.wire.pending or not self.is_open:
            return False
        self.watched[watch] = watch.version
        self._write(watch.frame)
        return True

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Say goodbye, and wait for the peer's for a moment."""
        if not self.is_open:
            return
        self._write(close_frame(code, reason))
        self._closing_since = time.monotonic()
        self.due = 0.0
        self.inbox.clear()
        if not self.is_gone and not self.wire.pending:
            self.wire.finish()

    def cut_off(self, cause: str) -> None:
        """End it at once: the reader could not take a goodbye."""
        CUT_OFF.labels(cause).inc()
        self.lose()

    def lose(self) -> None:
        """Forget it; the other side is not there any more."""
        if not self.is_gone:
            self.is_gone = True
            self.inbox.clear()
            self._keeper.on_gone(self)
            self.wire.close()

    def on_writable(self) -> None:
        """Go on sending what was kept."""
        try:
            self.wire.flush()
        except OSError:
            self.lose()
            return
        if self.wire.pending:
            return
        self._keeper.on_interest(self)
        if self._closing_since:
            self.wire.finish()
        else:
            self._keeper.on_drained(self)

    def on_readable(self) -> None:
        """Take what the peer sent."""
        try:
            data = self.wire.read()
        except OSError:
            self.lose()
            return
        if data is None:
            return
        if not data:
            self.lose()
            return
        self.heard_at = time.monotonic()
        if self.is_open:  # else it said goodbye, and is read to its end so that the goodbye arrives
            try:
                self._parse(data)
            except ProtocolError:
                self.close(PROTOCOL_ERROR, "That is not WebSocket.")

    def _parse(self, data: bytes) -> None:
        self._parser.receive_data(data)
        for event in self._parser.events():
            self._take(event)
            if not self.is_open:
                return

    def look_after(self, now: float) -> None:
        """Do what the time has come for: a ping, a farewell, the end of somebody who is not there."""
        if self._closing_since:
            if now - self._closing_since >= GOODBYE_S:
                self.lose()
        elif now - self.heard_at >= SILENCE_S:
            self.cut_off("silent")
        elif self.wire.stuck_since and now - self.wire.stuck_since >= WRITE_DEADLINE_S:
            self.cut_off("slow")
        elif now - self.opened_at >= IDLE_S and not (self.identity or self.watched):
            self.close(POLICY, "Authenticate or subscribe.")
        elif now >= self._ping_at:
            self._ping_at = now + HEARTBEAT_S
            if not self.wire.pending:
                self._write(PING)
        self.due = self._next_due()

    def _next_due(self) -> float:
        if self._closing_since:
            return self._closing_since + GOODBYE_S
        due = min(self._ping_at, self.heard_at + SILENCE_S)
        if self.wire.stuck_since:
            due = min(due, self.wire.stuck_since + WRITE_DEADLINE_S)
        if self.identity:
            due = min(due, self.identity_until)
        elif not self.watched:
            due = min(due, self.opened_at + IDLE_S)
        return due

    def _write(self, frame: bytes) -> None:
        was_clear = not self.wire.pending
        try:
            self.wire.write(frame, time.monotonic())
        except OSError:
            self.lose()
            return
        if was_clear and self.wire.pending:
            self.due = 0.0
            self._keeper.on_interest(self)

    def _take(self, event: Event) -> None:
        if isinstance(event, TextMessage):
            self._take_text(event)
        elif isinstance(event, BytesMessage):
            self.refuse("not_text", "Messages are text.", UNSUPPORTED)
        elif isinstance(event, Ping):
            if self._keeper.lets_through(self, self.heard_at):
                self.push(pong_frame(bytes(event.payload)))
        elif isinstance(event, CloseConnection):
            self.close(event.code, event.reason or "")

    def _take_text(self, event: TextMessage) -> None:
        self._size += len(event.data.encode())
        self._pieces += 1
        if self._size > MAX_MESSAGE or self._pieces > MAX_PIECES:
            self.refuse("too_large", f"A message has at most {MAX_MESSAGE} bytes.", TOO_BIG)
            return
        self._parts.append(event.data)
        if event.message_finished:
            text = "".join(self._parts)
            self._parts, self._size, self._pieces = [], 0, 0
            if self._keeper.lets_through(self, self.heard_at):
                self.inbox.append(text)
                self._keeper.on_message(self)

    def refuse(self, code: str, detail: str, close_code: int) -> None:
        """Say what is wrong, and close: the peer does not speak our language."""
        CUT_OFF.labels(code).inc()
        self.push(text_frame(orjson.dumps({"type": "error", "code": code, "detail": detail})))
        self.close(close_code, detail)

    def on_inbox_taken(self) -> None:
        """There may be room again for what the peer sends."""
        if not self.is_gone:
            self._keeper.on_interest(self)
