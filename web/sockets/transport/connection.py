"""One open WebSocket: its frames in and out, its limits, and its end. It knows no message's meaning."""

import random
import socket
import time
from typing import TYPE_CHECKING, Final, Protocol

import orjson

from web.auth.tokens import Verified
from web.sockets.metrics import CUT_OFF, SKIPPED
from web.sockets.transport.connect_limit import RateGate
from web.sockets.transport.frames import PING as PING_FRAME
from web.sockets.transport.frames import Broken, Event, FrameReader, read_close
from web.sockets.transport.wire import (
    MAX_PENDING,
    PING,
    POLICY,
    TOO_SLOW,
    Wire,
    close_frame,
    pong_frame,
    text_frame,
)

if TYPE_CHECKING:
    from web.sockets.delivery.subscription import Watch

MAX_INBOX: Final = 16  # messages not handled yet; then the socket is not read
HEARTBEAT_S: Final = 40.0  # without a byte for so long, the peer is asked whether it is there
SILENCE_S: Final = 55.0  # and after so long, it is not
IDLE_S: Final = 30.0  # to authenticate or subscribe
WRITE_DEADLINE_S: Final = 10.0  # for a reader to take everything that waits for it
GOODBYE_S: Final = 5.0  # for the peer to take our close frame, and to close


class ConnectionOwner(Protocol):
    """The owner of the connections: the hub. Its methods are called from within I/O and must not wait."""

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
        "_owner",
        "_ping_at",
        "_reader",
        "address",
        "due",
        "gate",
        "heard_at",
        "identity",
        "identity_until",
        "inbox",
        "is_anonymous",
        "is_busy",
        "is_gone",
        "mask",
        "opened_at",
        "user_id",
        "watched",
        "wire",
        "wrong_until",
    )

    def __init__(self, sock: socket.socket, owner: ConnectionOwner, address: str = "") -> None:
        now = time.monotonic()
        self.address = address
        self.is_anonymous = False  # it counts against its network
        self.wrong_until = 0.0  # when all its asking for what is not there will be forgiven
        self.wire = Wire(sock)
        self.gate = RateGate()
        self.identity: Verified | None = None
        self.user_id: str | None = None  # whose socket it is
        self.identity_until = 0.0  # monotonic seconds
        self.watched: tuple[Watch, ...] = ()  # the sales; each watch knows what was sent of it
        self.inbox: list[str] = []
        self.is_busy = False  # a message of the inbox is being handled
        self.is_gone = False
        self.mask = 0  # what the poller waits for
        self.opened_at = now
        self.heard_at = now
        self.due = 0.0  # when to look after it next
        self._ping_at = now + HEARTBEAT_S * random.uniform(0.5, 1.0)  # noqa: S311 - spreads, hides nothing
        self._closing_since = 0.0
        self._owner = owner
        self._reader: FrameReader | None = None  # while a message is on its way

    @property
    def is_open(self) -> bool:
        """Whether messages still come and go."""
        return not self.is_gone and not self._closing_since

    @property
    def wants_reading(self) -> bool:
        """Whether there is room for more messages."""
        return len(self.inbox) < MAX_INBOX

    def push(self, frame: bytes) -> None:
        """Send a frame that must arrive while the socket lives: a peer that reads too slowly is cut off."""
        if not self.is_open:
            return
        if self.wire.pending + len(frame) > MAX_PENDING:
            self.cut_short("outbox_full")
        else:
            self._write(frame)

    def offer(self, frame: bytes) -> bool:
        """Send a snapshot, unless the reader is behind; returns whether it was sent.

        A reader who is behind gets the newest when everything was taken: nothing piles up.
        """
        if not self.is_open:
            return False
        if self.wire.pending:
            SKIPPED.inc()
            return False
        self._write(frame)
        return True

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Say goodbye, and wait for the peer's for a moment."""
        if not self.is_open:
            return
        self._write(close_frame(code, reason))
        self._closing_since = time.monotonic()
        self.due = 0.0
        self.inbox.clear()
        self._reader = None
        if not self.is_gone and not self.wire.pending:
            self.wire.finish()

    def cut_short(self, cause: str) -> None:
        """End it for being slow: what has not begun to leave is dropped, so that the goodbye may arrive."""
        CUT_OFF.labels(cause).inc()
        self.wire.drop_waiting()
        self.close(TOO_SLOW, "Read faster, or come back for a snapshot.")

    def cut_off(self, cause: str) -> None:
        """End it at once: the other side could not take a goodbye."""
        CUT_OFF.labels(cause).inc()
        self.lose()

    def lose(self) -> None:
        """Forget it; the other side is not there any more."""
        if not self.is_gone:
            self.is_gone = True
            self.inbox.clear()
            self._owner.on_gone(self)
            self.wire.close()

    def gather(self) -> None:
        """Have what is sent from now on leave together, until `send_gathered`. Nothing may wait meanwhile."""
        self.wire.gather()

    def send_gathered(self) -> None:
        """Send what was gathered."""
        if self.is_gone or not self.wire.is_gathering:
            return
        try:
            self.wire.send_gathered(time.monotonic())
        except OSError:
            self.lose()
            return
        if self.wire.pending:
            self._await_reader()
        elif self._closing_since:
            self.wire.finish()

    def on_writable(self) -> None:
        """Go on sending what was kept."""
        try:
            self.wire.flush()
        except OSError:
            self.lose()
            return
        if self.wire.pending:
            return
        self._owner.on_interest(self)
        if self._closing_since:
            self.wire.finish()
        else:
            self._owner.on_drained(self)

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
            self._read(data)

    def _read(self, data: bytes) -> None:
        """Take it, and have all that is answered at once leave in one piece."""
        self.gather()
        self.take(data)
        self.send_gathered()

    def take(self, data: bytes) -> None:
        """Take what the peer sent, from wherever it was read."""
        reader = self._reader or FrameReader()
        try:
            for event in reader.read(data):
                self._take(event)
                if not self.is_open:
                    return
        except Broken as broken:
            if broken.code:
                self.refuse(broken.code, broken.detail, broken.close_code)
            else:
                self.close(broken.close_code, broken.detail)
        else:
            self._reader = None if reader.is_idle else reader

    def look_after(self, now: float) -> None:
        """Do what the time has come for: a ping, a goodbye, the end of a peer that is gone."""
        if self._closing_since:
            if now - self._closing_since >= GOODBYE_S:
                self.lose()
        elif now - self.heard_at >= SILENCE_S:
            self._check_silent(now)
        elif self._is_stuck(now):
            self._check_slow(now)
        elif now - self.opened_at >= IDLE_S and not (self.identity or self.watched):
            self.close(POLICY, "Authenticate or subscribe.")
        elif now >= self._ping_at:
            self._ping_if_silent(now)
        self.due = self._next_due()

    # A process that is late has not seen yet what the peer sent or took: it looks before it closes.

    def _check_silent(self, now: float) -> None:
        if not self.wants_reading:
            self.heard_at = now
            return
        self.on_readable()
        if not self.is_gone and now - self.heard_at >= SILENCE_S:
            self.cut_off("silent")

    def _check_slow(self, now: float) -> None:
        self.on_writable()
        if self.is_open and self._is_stuck(now):
            self.cut_short("slow")

    def _is_stuck(self, now: float) -> bool:
        return self.wire.stuck_since > 0 and now - self.wire.stuck_since >= WRITE_DEADLINE_S

    def _ping_if_silent(self, now: float) -> None:
        """Ping, unless the peer was heard of since; a reader who is behind has other deadlines."""
        unheard_s = now - self.heard_at
        is_asked = unheard_s >= HEARTBEAT_S / 2 and not self.wire.pending
        if is_asked:
            self._write(PING)
        self._ping_at = now + HEARTBEAT_S if is_asked else self.heard_at + HEARTBEAT_S

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
        if was_clear and self.wire.pending and not self.wire.is_gathering:
            self._await_reader()

    def _await_reader(self) -> None:
        self.due = 0.0
        self._owner.on_interest(self)

    def _take(self, event: Event) -> None:
        if isinstance(event, str):
            if self._owner.lets_through(self, self.heard_at):
                self.inbox.append(event)
                self._owner.on_message(self)
        elif event[0] == PING_FRAME:
            if self._owner.lets_through(self, self.heard_at):
                self.push(pong_frame(event[1]))
        else:
            self.close(*read_close(event[1]))

    def refuse(self, code: str, detail: str, close_code: int) -> None:
        """Send an error, and close: the peer does not follow the protocol."""
        CUT_OFF.labels(code).inc()
        self.push(text_frame(orjson.dumps({"type": "error", "code": code, "detail": detail})))
        self.close(close_code, detail)

    def on_inbox_taken(self) -> None:
        """There may be room again for what the peer sends."""
        if not self.is_gone:
            self._owner.on_interest(self)
