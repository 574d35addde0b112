"""The WebSocket client of every load, light enough for crowds: tens of thousands of sockets on one epoll.

It knows the art of coming back, and no message's meaning. Its user is a `Caller`:

    class Watcher:
        def greet(self, socket):  # after every handshake, so that a returning socket misses nothing
            return text_message(b'{"type":"subscribe","sale_id":"…"}')
        def on_message(self, socket, payload, at_ns):
            print(socket.index, payload)
        def on_lost(self, socket, reason):
            print(socket.index, "lost:", reason)

    sockets = Sockets(Target.of("http://127.0.0.1:8000"), Watcher())
    sockets.open(10_000)
    while True:
        sockets.turn(1.0)

A program of asyncio calls `sockets.run_in(loop)` instead. No thread, no coroutine, no buffer a socket: what
is kept is a few hundred bytes each.
"""

import asyncio
import errno
import heapq
import random
import select
import socket as network
import ssl
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count
from typing import Final, Protocol

from benchmarks.client.crowd_socket import (
    AWAY,
    CONNECTING,
    GREETED,
    OPEN,
    SECURING,
    UPGRADING,
    Socket,
    UpgradeRefused,
)
from benchmarks.client.frames import TEXT, client_frame
from benchmarks.client.http_wire import Target

BATCH: Final = 1024  # events a turn
# A busy process waits so long before it asks again: to be woken for every frame costs both ends several
# times what the frame does. So much later than it was there a message may be taken for heard.
GATHER_S: Final = 0.004
TICK_S: Final = 0.02  # seconds between two looks of an event loop at what is due
OPENING: Final = 128  # sockets of a process that are on their way at once
ATTEMPT_S: Final = 60.0  # seconds from the first packet to the first message; then it is tried again
FIRST_PAUSE_S: Final = 0.25  # seconds before coming back; doubled at each failure, with jitter
LONGEST_PAUSE_S: Final = 8.0  # seconds

_IN: Final = select.EPOLLIN
_OUT: Final = select.EPOLLOUT


def text_message(payload: bytes) -> bytes:
    """A text message as `send` and `greet` take it: one final, masked frame."""
    return client_frame(TEXT, payload)


Upgrade = tuple[bytes, bytes]  # the path with its query, and further header lines, each with its line break
PLAIN_UPGRADE: Final[Upgrade] = (b"/ws", b"")


class Caller(Protocol):
    """Who uses the sockets. Its methods are called in `Sockets.turn` and must not wait."""

    def greet(self, socket: Socket) -> bytes:
        """What to send first on a new connection: frames, at least one of which is answered; or nothing."""

    def on_message(self, socket: Socket, payload: bytes, at_ns: int) -> None:
        """A whole text message was read, at a moment of `time.monotonic_ns`."""

    def on_lost(self, socket: Socket, reason: str) -> None:
        """An open socket was lost; it comes back by itself."""


class Sockets:
    """All sockets of one process, driven by `turn`.

    `opened` counts those that are open, `messages` what was heard so far; `lost` and `failed` count the
    losses of open sockets and the attempts that came to nothing, by their reasons.
    """

    def __init__(
        self,
        target: Target,
        caller: Caller,
        *,
        sources: Sequence[str] = (),
        opening: int = OPENING,
        gather_s: float = GATHER_S,
        come_with: Callable[[Socket], Upgrade] = lambda _socket: PLAIN_UPGRADE,
    ) -> None:
        """`sources`: this machine's addresses to come from, in turn; each has some 28,000 ports.

        `come_with`: what a socket says with its handshake already, so that it need not greet.

        Raises:
            OSError: the target's name is not known.
        """
        self._host, self._tls = target.host, target.ssl_context()
        self._gather_s = gather_s
        self._loop: asyncio.AbstractEventLoop | None = None
        found = network.getaddrinfo(target.host, target.port, type=network.SOCK_STREAM)[0]
        self._family, self._address = found[0], found[4]
        self._host_line = f" HTTP/1.1\r\nHost: {target.authority}\r\n".encode()
        self._come_with = come_with
        self._caller = caller
        self._sources = sources
        self._most_opening = opening
        self._epoll = select.epoll()
        self._by_fd: dict[int, Socket] = {}
        self._watched: dict[int, Callable[[], None]] = {}
        self._ready: deque[Socket] = deque()  # to be opened as soon as there is room
        self._attempts: deque[tuple[float, Socket, int]] = deque()  # when each has taken too long
        self._kept_away: dict[int, bool] = {}  # by number; whether it would be on its way back
        self._opening = 0
        self._is_busy = False
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = count()
        self.all: list[Socket] = []
        self.opened = 0
        self.messages = 0
        self.lost: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def open(self, number: int) -> None:
        """Have so many more sockets opened, a step at a time, and kept open until `close`."""
        for _ in range(number):
            self.all.append(Socket(len(self.all)))
            self._ready.append(self.all[-1])

    def send(self, socket: Socket, frames: bytes) -> bool:
        """Send frames, or keep what the kernel does not take yet; False where there is no connection."""
        if socket.state < GREETED:
            return False
        try:
            socket.send(frames)
        except OSError as error:
            self._lose(socket, _named(error))
            return False
        if socket.unsent:
            self._epoll.modify(socket.fd, _IN | _OUT)
        return True

    def drop(self, socket: Socket, reason: str = "dropped") -> None:
        """Lose a socket as a failing network would, so that it comes back."""
        if socket.state != AWAY:
            self._lose(socket, reason)

    def keep_away(self, sockets: Iterable[Socket]) -> None:
        """Have these not come back once they are lost, until they may."""
        self._kept_away = {socket.index: False for socket in sockets}

    def let_back(self) -> None:
        """Let those come back who were kept away."""
        kept, self._kept_away = self._kept_away, {}
        for index, is_lost in kept.items():
            if is_lost:
                self._come_back(self.all[index], 0.0)

    def after(self, delay_s: float, call: Callable[[], None]) -> None:
        """Call back from a later `turn`."""
        heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._serial), call))

    def watch(self, fd: int, call: Callable[[], None]) -> None:
        """Call back whenever another descriptor can be read."""
        self._watched[fd] = call
        self._epoll.register(fd, _IN)

    def unwatch(self, fd: int) -> None:
        """Call no more."""
        if self._watched.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def run_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have an event loop take every turn from now on, until `close`; it is never kept waiting."""
        self._loop, self._gather_s = loop, 0.0
        loop.add_reader(self._epoll.fileno(), self.turn, 0.0)
        self._tick(loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._epoll.closed:
            self.turn(0.0)
            loop.call_later(TICK_S, self._tick, loop)

    def close(self) -> None:
        """Drop every connection at once and for good, so that all ports are free for the next run."""
        if self._loop is not None and not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
        for socket in self.all:
            socket.forget(reset=True)
        self._by_fd.clear()
        self._ready.clear()
        self._timers.clear()
        self._epoll.close()

    def turn(self, timeout_s: float) -> None:
        """Do what can be done now; wait for it at most so long."""
        self._start_some()
        by_fd, read = self._by_fd, self._read
        if self._is_busy and self._gather_s:
            time.sleep(self._gather_s)
        ready = self._epoll.poll(self._patience(timeout_s), BATCH)
        self._is_busy = 0 < len(ready) < BATCH
        for fd, happened in ready:
            socket = by_fd.get(fd)
            if socket is None:
                self._watched.get(fd, _nothing)()
            elif socket.state >= GREETED and not happened & _OUT:
                read(socket)
            else:
                self._go_on(socket, happened)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
        while self._attempts and self._attempts[0][0] <= now:
            self._give_up(*self._attempts.popleft()[1:])

    def _patience(self, timeout_s: float) -> float:
        """How long nothing is to be done but to wait for the network."""
        if self._ready and self._opening < self._most_opening:
            return 0.0
        if self._timers:
            timeout_s = min(timeout_s, self._timers[0][0] - time.monotonic())
        return max(timeout_s, 0.0)

    def _read(self, socket: Socket) -> None:
        try:
            messages = socket.receive()
        except OSError as error:
            self._lose(socket, _named(error))
            return
        self._hand_on(socket, messages)

    def _hand_on(self, socket: Socket, messages: list[bytes]) -> None:
        if messages:
            at_ns = time.monotonic_ns()
            if socket.state != OPEN:
                self._settle(socket)
            self.messages += len(messages)
            for payload in messages:
                self._caller.on_message(socket, payload, at_ns)
        if socket.goodbye:
            self._lose(socket, socket.goodbye)
        elif socket.unsent:
            self._epoll.modify(socket.fd, _IN | _OUT)

    # From setting out to being open.

    def _start_some(self) -> None:
        while self._ready and self._opening < self._most_opening:
            self._start(self._ready.popleft())

    def _start(self, socket: Socket) -> None:
        self._opening += 1
        source = self._sources[socket.index % len(self._sources)] if self._sources else None
        try:
            socket.connect(self._family, self._address, source)
        except OSError as error:
            self._fail(socket, _named(error))
            return
        self._by_fd[socket.fd] = socket
        self._epoll.register(socket.fd, _OUT)
        self._attempts.append((time.monotonic() + ATTEMPT_S, socket, socket.attempt))

    def _go_on(self, socket: Socket, happened: int) -> None:
        """The next step of a socket that is not simply to be read."""
        try:
            if socket.state == CONNECTING:
                socket.check_connected()
                self._epoll.modify(socket.fd, _IN)
                self._secure(socket)
            elif socket.state == SECURING:
                self._secure(socket)
            elif socket.state == UPGRADING:
                if socket.finish_upgrade():
                    self._welcome(socket)
            else:
                socket.flush()
                if not socket.unsent:
                    self._epoll.modify(socket.fd, _IN)
                if happened & ~_OUT:
                    self._read(socket)
        except UpgradeRefused as error:
            self._fail(socket, str(error), at_least_s=error.retry_after_s)
        except OSError as error:
            self._lose(socket, _named(error))

    def _secure(self, socket: Socket) -> None:
        """Go on with TLS where the target wants it; then ask to switch to WebSocket."""
        if self._tls is None or socket.secure(self._tls, self._host):
            path, more = self._come_with(socket)
            socket.ask_for_upgrade(b"GET " + path + self._host_line + more)

    def _welcome(self, socket: Socket) -> None:
        greeting = self._caller.greet(socket)
        if greeting:
            socket.send(greeting)
        else:
            self._settle(socket)
        self._hand_on(socket, socket.take())

    def _settle(self, socket: Socket) -> None:
        socket.state, socket.tries = OPEN, 0
        self._opening -= 1
        self.opened += 1

    def _give_up(self, socket: Socket, attempt: int) -> None:
        if socket.attempt == attempt and socket.state not in {AWAY, OPEN}:
            self._fail(socket, "no answer in time")

    # Losing and coming back.

    def _lose(self, socket: Socket, reason: str) -> None:
        if socket.state == AWAY:
            return
        if socket.state != OPEN:
            self._fail(socket, reason)
            return
        self._forget(socket)
        self.opened -= 1
        self.lost[reason] += 1
        self._come_back(socket, 0.0)
        self._caller.on_lost(socket, reason)

    def _fail(self, socket: Socket, reason: str, *, at_least_s: float = 0.0) -> None:
        self._opening -= 1
        self._forget(socket)
        self.failed[reason] += 1
        self._come_back(socket, at_least_s)

    def _forget(self, socket: Socket) -> None:
        self._by_fd.pop(socket.fd, None)
        socket.forget()  # a closed descriptor leaves the epoll set by itself

    def _come_back(self, socket: Socket, at_least_s: float) -> None:
        if socket.index in self._kept_away:
            self._kept_away[socket.index] = True
            return
        pause_s = max(min(FIRST_PAUSE_S * 2**socket.tries, LONGEST_PAUSE_S), at_least_s)
        socket.tries = min(socket.tries + 1, 16)
        self.after(pause_s * random.uniform(0.5, 1.5), partial(self._ready.append, socket))


def _named(error: OSError) -> str:
    code = 0 if isinstance(error, ssl.SSLError) else error.errno or 0
    return errno.errorcode.get(code, str(error) or type(error).__name__)


def _nothing() -> None:
    """A descriptor of a socket that was lost in this very turn."""
