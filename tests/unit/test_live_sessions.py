"""Whose sockets are here, and who is told what."""

import uuid
from typing import Any, cast

import orjson

from web.auth.tokens import Identity, Verified
from web.sockets.delivery.groups import Groups
from web.sockets.delivery.session_registry import SessionRegistry


class Socket:
    """As much of a connection as `SessionRegistry` knows."""

    def __init__(self) -> None:
        self.identity: Verified | None = None
        self.user_id: str | None = None
        self.frames: list[bytes] = []

    def push(self, frame: bytes) -> None:
        self.frames.append(frame)

    @property
    def told(self) -> list[dict[str, Any]]:
        return [orjson.loads(frame[frame.index(b"{") :]) for frame in self.frames]


def somebody(user_id: uuid.UUID | None = None) -> Verified:
    identity = Identity(user_id or uuid.uuid4(), "shopper", uuid.uuid4())
    return Verified(identity, "access", uuid.uuid4(), 9e9, None)


def entered(sessions: SessionRegistry, verified: Verified) -> Any:
    socket: Any = Socket()
    sessions.enter(socket, verified)
    return socket


def pack(*told: Any) -> str:
    return orjson.dumps(told).decode()


def test_each_user_receives_what_is_theirs_and_in_order() -> None:
    sessions, mine, others = SessionRegistry(), somebody(), somebody()
    socket, other = entered(sessions, mine), entered(sessions, others)
    user = str(mine.identity.user_id)
    sessions.tell_all(pack([user, {"id": "i"}, {"id": "o"}], [str(uuid.uuid4()), {"id": "x"}, None]))
    sessions.tell_all(pack([user, None, {"id": "o2"}]))
    assert socket.told == [
        {"type": "intent", "id": "i"},
        {"type": "order", "id": "o"},
        {"type": "order", "id": "o2"},
    ]
    assert other.told == []


def test_who_left_or_became_another_hears_no_more() -> None:
    sessions, mine = SessionRegistry(), somebody()
    socket = entered(sessions, mine)
    sessions.enter(socket, somebody())
    sessions.tell_all(pack([str(mine.identity.user_id), {"id": "i"}, None]))
    assert socket.told == []
    sessions.leave(socket)
    assert not sessions.families
    assert sessions.everybody() == []


def test_what_is_pushed_while_somebody_reads_is_noticed() -> None:
    sessions, mine = SessionRegistry(), somebody()
    user = str(mine.identity.user_id)
    with sessions.recording([user]) as first, sessions.recording([user]) as second:
        sessions.tell(user, "intent", {"id": "i", "status": "held"})
        sessions.tell("another", "intent", {"id": "j"})
    sessions.tell(user, "intent", {"id": "k"})
    assert first == second == {"i": {"id": "i", "status": "held"}}


def test_news_of_an_order_that_newer_news_overtook_are_not_told() -> None:
    sessions, mine = SessionRegistry(), somebody()
    socket, user = entered(sessions, mine), str(mine.identity.user_id)
    for status, changes in (("held", 1), ("paid", 3), ("paying", 2), ("paid", 3), ("refunded", 4)):
        order = {"id": "o", "sale_id": "s", "status": status, "history": [{}] * changes}
        sessions.tell_all(pack([user, None, order]))
    assert [told["status"] for told in socket.told] == ["held", "paid", "paid", "refunded"]


def test_every_socket_of_a_user_is_found_until_it_leaves() -> None:
    sessions, mine = SessionRegistry(), somebody()
    sockets = [entered(sessions, mine) for _ in range(3)]
    for gone in range(3):
        sessions.leave(sockets[gone])
        assert set(sessions.everybody()) == set(sockets[gone + 1 :])
        assert set(sessions.of_family(mine.identity.family)) == set(sockets[gone + 1 :])
    assert not sessions.is_here(str(mine.identity.user_id))


def test_who_never_had_a_key_takes_it_from_nobody() -> None:
    groups: Groups[str] = Groups()
    socket, stranger, third = (cast(Any, Socket()) for _ in range(3))
    groups.add("a", socket)
    groups.discard("a", stranger)
    groups.discard("b", socket)
    assert groups.of("a") == (socket,)
    groups.add("a", socket)
    groups.add("a", third)
    groups.discard("a", stranger)
    assert set(groups.of("a")) == {socket, third}


def test_what_a_socket_was_told_is_noted_as_heard() -> None:
    heard: list[str] = []
    noting: Any = type(
        "Noting", (), {"add": staticmethod(lambda kind, said: heard.append(f"{kind} {said['id']}"))}
    )
    sessions, mine = SessionRegistry(heard=noting), somebody()
    user = str(mine.identity.user_id)
    sessions.tell_all(pack([user, {"id": "unheard"}, None]))
    socket = entered(sessions, mine)
    sessions.tell_all(pack([user, {"id": "pushed"}, None]))
    sessions.tell_one(socket, "intent", {"id": "fetched"})
    assert heard == ["intent pushed", "intent fetched"]
