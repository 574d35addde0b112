"""benchmarks/client/sockets.py: whole messages whatever the network does, and everybody comes back."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from benchmarks.client import sockets as client
from benchmarks.client.crowd_socket import Socket
from benchmarks.client.frames import CLOSE, PING, PONG
from benchmarks.client.http_wire import Target
from benchmarks.client.sockets import Sockets, text_message
from tests.unit.scripted_server import Peer, frame, scripted_server

PATIENCE_S = 20.0
PICTURE = b'{"type":"sale","padding":"' + b"x" * 300 + b'"}'


class Listener:
    """A caller that greets with its number, and keeps what it hears."""

    def __init__(self, *, greets: bool = True) -> None:
        self.heard: list[tuple[int, bytes]] = []
        self.lost: list[tuple[int, str]] = []
        self.greeted: list[int] = []
        self._greets = greets

    def greet(self, socket: Socket) -> bytes:
        self.greeted.append(socket.index)
        return text_message(b"I am %d" % socket.index) if self._greets else b""

    def on_message(self, socket: Socket, payload: bytes, at_ns: int) -> None:
        assert 0 < at_ns <= time.monotonic_ns()
        self.heard.append((socket.index, payload))

    def on_lost(self, socket: Socket, reason: str) -> None:
        assert not socket.is_open
        self.lost.append((socket.index, reason))


@contextmanager
def sockets_to(target: Target, caller: Listener, **options: object) -> Iterator[Sockets]:
    """Sockets that are closed at the end."""
    sockets = Sockets(target, caller, **options)  # type: ignore[arg-type]
    try:
        yield sockets
    finally:
        sockets.close()


def drive(sockets: Sockets, until: Callable[[], bool]) -> None:
    """Turn until a claim holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < deadline, (sockets.opened, sockets.lost, sockets.failed)
        sockets.turn(0.05)


def echo(peer: Peer) -> None:
    """Upgrade, and give every message back."""
    peer.upgrade()
    while True:
        _, payload = peer.hear()
        peer.say(payload)


def test_many_sockets_open_in_steps_and_each_hears_its_own() -> None:
    caller = Listener()
    with scripted_server(echo) as target, sockets_to(target, caller, opening=7) as sockets:
        sockets.open(60)
        drive(sockets, lambda: sockets.opened == 60)
        assert sorted(caller.heard) == [(index, b"I am %d" % index) for index in range(60)]
        assert not sockets.failed
        assert not sockets.lost


def test_no_more_than_a_step_is_on_its_way_at_once() -> None:
    waiting, release = [], threading.Event()

    def slow(peer: Peer) -> None:
        peer.ask()
        waiting.append(peer.number)
        release.wait(PATIENCE_S)

    with scripted_server(slow) as target, sockets_to(target, Listener(), opening=5) as sockets:
        sockets.open(50)
        drive(sockets, lambda: len(waiting) == 5)
        for _ in range(20):
            sockets.turn(0.0)
        assert len(waiting) == 5
        release.set()


@pytest.mark.parametrize("piece", [1, 3, 4, 100])
def test_a_message_in_pieces_is_handed_on_once_and_whole(piece: int) -> None:
    def serve(peer: Peer) -> None:
        peer.upgrade()
        peer.hear()
        data = (
            frame(PICTURE)
            + frame(b"short")
            + frame(b"one ", 0x01)
            + frame(b"two ", 0x00)
            + frame(b"three", 0x80)
        )
        for at in range(0, len(data), piece):
            peer.sock.sendall(data[at : at + piece])
        peer.hear()

    caller = Listener()
    with scripted_server(serve) as target, sockets_to(target, caller) as sockets:
        sockets.open(1)
        drive(sockets, lambda: len(caller.heard) == 3)
        assert [payload for _, payload in caller.heard] == [PICTURE, b"short", b"one two three"]
        assert sockets.messages == 3


def test_what_follows_the_handshake_in_one_packet_is_heard() -> None:
    def serve(peer: Peer) -> None:
        key = peer.ask()
        from benchmarks.client.frames import accept_of

        answer = b"HTTP/1.1 101 X\r\nSec-WebSocket-Accept: " + accept_of(key).encode() + b"\r\n\r\n"
        peer.sock.sendall(answer + frame(b"at once"))
        peer.hear()
        peer.hear()

    caller = Listener()
    with scripted_server(serve) as target, sockets_to(target, caller) as sockets:
        sockets.open(1)
        drive(sockets, lambda: caller.heard == [(0, b"at once")])


def test_a_ping_is_answered_with_its_payload_in_a_masked_pong() -> None:
    pongs: list[tuple[int, bytes]] = []

    def serve(peer: Peer) -> None:
        peer.upgrade()
        peer.hear()
        peer.say(b"alive?", 0x80 | PING)
        pongs.append(peer.hear())
        peer.say(b"thanks")
        peer.hear()

    caller = Listener()
    with scripted_server(serve) as target, sockets_to(target, caller) as sockets:
        sockets.open(1)
        drive(sockets, lambda: len(caller.heard) == 1)
    assert pongs == [(0x80 | PONG, b"alive?")]


def test_who_is_sent_away_says_goodbye_comes_back_and_greets_again() -> None:
    goodbyes: list[tuple[int, bytes]] = []

    def serve(peer: Peer) -> None:
        peer.upgrade()
        peer.hear()
        peer.say(b"welcome %d" % peer.number)
        if peer.number == 0:
            peer.say(b"last news")
            peer.say((1001).to_bytes(2, "big") + b"restart", 0x80 | CLOSE)
            goodbyes.append(peer.hear())
        peer.hear()

    caller = Listener()
    with scripted_server(serve) as target, sockets_to(target, caller) as sockets:
        sockets.open(1)
        drive(sockets, lambda: len(caller.heard) == 3)
        assert [payload for _, payload in caller.heard] == [b"welcome 0", b"last news", b"welcome 1"]
        assert caller.lost == [(0, "closed by the server: 1001 restart")]
        assert caller.greeted == [0, 0]
        assert sockets.opened == 1
    assert goodbyes == [(0x80 | CLOSE, (1001).to_bytes(2, "big"))]


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (lambda peer: peer.sock.close(), "closed without a word"),
        (lambda peer: peer.say(b"x", 0xC1), "a frame that a server must not send: c101"),
    ],
)
def test_a_socket_that_breaks_is_lost_once_and_comes_back(
    ending: Callable[[Peer], None], reason: str
) -> None:
    def serve(peer: Peer) -> None:
        peer.upgrade()
        peer.hear()
        peer.say(b"welcome")
        if peer.number == 0:
            ending(peer)
            return
        peer.hear()

    caller = Listener()
    with scripted_server(serve) as target, sockets_to(target, caller) as sockets:
        sockets.open(1)
        drive(sockets, lambda: len(caller.heard) == 2)
        assert sockets.lost == {reason: 1}
        assert caller.lost == [(0, reason)]
        assert (sockets.opened, sockets.failed.total()) == (1, 0)


def test_a_refused_handshake_is_tried_again_no_sooner_than_the_server_wants() -> None:
    asked: list[float] = []

    def serve(peer: Peer) -> None:
        peer.ask()
        asked.append(time.monotonic())
        if peer.number == 0:
            peer.sock.sendall(b"HTTP/1.1 503 FULL\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n")
            return
        peer.sock.sendall(b"HTTP/1.1 500 WORSE\r\nContent-Length: 0\r\n\r\n")

    with scripted_server(serve) as target, sockets_to(target, Listener()) as sockets:
        sockets.open(1)
        drive(sockets, lambda: sockets.failed.total() == 2)
        assert sockets.failed == {"HTTP/1.1 503 FULL": 1, "HTTP/1.1 500 WORSE": 1}
        assert sockets.opened == 0
    assert asked[1] - asked[0] >= 1.0  # half of what was wanted, at the least: jitter


def test_a_server_that_proves_nothing_is_not_believed() -> None:
    def serve(peer: Peer) -> None:
        peer.ask()
        peer.sock.sendall(b"HTTP/1.1 101 X\r\nSec-WebSocket-Accept: bm90aGluZw==\r\n\r\n")
        peer.hear()

    with scripted_server(serve) as target, sockets_to(target, Listener()) as sockets:
        sockets.open(1)
        drive(sockets, lambda: sockets.failed["HTTP/1.1 101 X"] == 1)
        assert sockets.opened == 0


def test_an_attempt_that_takes_too_long_is_given_up_and_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ATTEMPT_S", 0.2)

    def serve(peer: Peer) -> None:
        if peer.number == 0:
            peer.ask()
            peer.hear()  # never comes
        echo(peer)

    caller = Listener()
    with scripted_server(serve) as target, sockets_to(target, caller) as sockets:
        sockets.open(1)
        drive(sockets, lambda: sockets.opened == 1)
        assert sockets.failed == {"no answer in time": 1}
        drive(sockets, lambda: len(caller.heard) == 1)
        assert not caller.lost


def test_pauses_grow_and_none_comes_in_step_with_another(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    with sockets_to(Target("127.0.0.1", 1), Listener()) as sockets:
        monkeypatch.setattr(sockets, "after", lambda delay_s, _call: pauses.append(delay_s))
        sockets.open(1)
        for _ in range(12):
            sockets.turn(0.0)
            drive(sockets, lambda: not sockets.all[0].state)
            sockets._ready.append(sockets.all[0])
    longest = client.LONGEST_PAUSE_S
    assert 0.5 * client.FIRST_PAUSE_S <= pauses[0] <= 1.5 * client.FIRST_PAUSE_S
    assert all(0.5 * longest <= pause <= 1.5 * longest for pause in pauses[6:])
    assert len(set(pauses)) == len(pauses)


def test_sockets_come_from_the_addresses_they_are_given() -> None:
    addresses: list[str] = []

    def serve(peer: Peer) -> None:
        addresses.append(peer.address)
        echo(peer)

    sources = ("127.0.0.41", "127.0.0.42")
    with scripted_server(serve) as target, sockets_to(target, Listener(), sources=sources) as sockets:
        sockets.open(6)
        drive(sockets, lambda: sockets.opened == 6)
    assert sorted(addresses) == sorted(sources * 3)


def test_what_the_kernel_does_not_take_is_kept_and_sent_in_order() -> None:
    heard: list[bytes] = []
    release = threading.Event()

    def serve(peer: Peer) -> None:
        peer.upgrade()
        peer.hear()
        peer.say(b"welcome")
        release.wait(PATIENCE_S)
        while len(heard) < 100:
            heard.append(peer.hear()[1])
        peer.say(b"got it")
        peer.hear()

    caller = Listener()
    with scripted_server(serve) as target, sockets_to(target, caller) as sockets:
        sockets.open(1)
        drive(sockets, lambda: sockets.opened == 1)
        sent = [b"%d " % number + bytes(60_000) for number in range(100)]
        for message in sent:
            assert sockets.send(sockets.all[0], text_message(message))
        assert sockets.all[0].unsent
        release.set()
        drive(sockets, lambda: caller.heard[-1] == (0, b"got it"))
        assert not sockets.all[0].unsent
    assert heard == sent


def test_who_is_away_can_be_sent_nothing() -> None:
    with sockets_to(Target("127.0.0.1", 1), Listener()) as sockets:
        sockets.open(1)
        assert not sockets.send(sockets.all[0], text_message(b"hello"))


def test_a_dropped_socket_comes_back_by_itself() -> None:
    caller = Listener()
    with scripted_server(echo) as target, sockets_to(target, caller) as sockets:
        sockets.open(1)
        drive(sockets, lambda: sockets.opened == 1)
        sockets.drop(sockets.all[0])
        assert caller.lost == [(0, "dropped")]
        assert sockets.opened == 0
        drive(sockets, lambda: sockets.opened == 1)


def test_who_is_kept_away_comes_back_when_he_may_and_not_before() -> None:
    caller = Listener()
    with scripted_server(echo) as target, sockets_to(target, caller) as sockets:
        sockets.open(3)
        drive(sockets, lambda: sockets.opened == 3)
        sockets.keep_away(sockets.all[:2])
        for socket in sockets.all[1:]:
            sockets.drop(socket)
        drive(sockets, lambda: sockets.opened == 2)
        assert [socket.is_open for socket in sockets.all] == [True, False, True]
        assert caller.greeted.count(1) == 1
        sockets.let_back()
        drive(sockets, lambda: sockets.opened == 3)
        assert [caller.greeted.count(index) for index in range(3)] == [1, 2, 2]


def test_without_a_greeting_a_socket_is_open_by_its_handshake() -> None:
    def serve(peer: Peer) -> None:
        peer.upgrade()
        peer.hear()

    with scripted_server(serve) as target, sockets_to(target, Listener(greets=False)) as sockets:
        sockets.open(3)
        drive(sockets, lambda: sockets.opened == 3)


def test_other_descriptors_and_timers_are_served_in_between() -> None:
    reader, writer = os.pipe()
    told: list[str] = []
    with sockets_to(Target("127.0.0.1", 1), Listener()) as sockets:
        sockets.watch(reader, lambda: told.append(os.read(reader, 1).decode()))
        sockets.after(0.02, lambda: told.append("later"))
        sockets.after(0.0, lambda: told.append("now"))
        os.write(writer, b"x")
        drive(sockets, lambda: len(told) == 3)
        sockets.unwatch(reader)
        os.write(writer, b"y")
        sockets.turn(0.0)
    os.close(reader)
    os.close(writer)
    assert sorted(told) == ["later", "now", "x"]
    assert told.index("now") < told.index("later")
