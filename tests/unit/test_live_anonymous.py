"""Sockets of strangers are counted by network, and those of others are not."""

import socket
from collections.abc import Iterator
from typing import Any, cast

import pytest

from web.http.errors import TooManyRequests
from web.sockets.transport.anonymous import AnonymousSockets
from web.sockets.transport.connection import Connection, ConnectionOwner


@pytest.fixture
def peers() -> Iterator[Any]:
    made: list[socket.socket] = []

    def make(address: str = "203.0.113.7") -> Connection:
        pair = socket.socketpair()
        made.extend(pair)
        return Connection(pair[0], cast(ConnectionOwner, None), address)

    yield make
    for one in made:
        one.close()


def comes(anonymous: AnonymousSockets, connection: Connection) -> bool:
    try:
        anonymous.require_room(connection.address)
    except TooManyRequests:
        return False
    anonymous.enter(connection)
    return True


def test_a_network_has_room_for_so_many(peers: Any) -> None:
    anonymous = AnonymousSockets(3)
    assert [comes(anonymous, peers()) for _ in range(5)] == [True] * 3 + [False] * 2
    assert comes(anonymous, peers("203.0.113.8"))


@pytest.mark.parametrize(("form", "room"), [("203.0.113.{}", 16), ("2001:db8:0:{:x}00::1", 16)])
def test_many_addresses_of_one_customer_have_a_share_together(peers: Any, form: str, room: int) -> None:
    anonymous = AnonymousSockets(2)
    assert sum(comes(anonymous, peers(form.format(number))) for number in range(100)) == room


def test_who_left_or_is_known_makes_room_once(peers: Any) -> None:
    anonymous, one = AnonymousSockets(1), peers()
    assert comes(anonymous, one)
    assert not comes(anonymous, peers())
    anonymous.leave(one)
    anonymous.leave(one)
    assert comes(anonymous, peers())
    assert not comes(anonymous, peers())


def test_nothing_is_kept_of_those_who_left(peers: Any) -> None:
    anonymous = AnonymousSockets(1000)
    many = [peers() for _ in range(10)] + [peers("2001:db8::1")]
    for one in many:
        assert comes(anonymous, one)
    for one in many:
        anonymous.leave(one)
    assert anonymous._by_network == {}


def test_without_a_bound_nobody_is_counted(peers: Any) -> None:
    anonymous = AnonymousSockets(0)
    assert all(comes(anonymous, peers()) for _ in range(10))
    assert anonymous._by_network == {}
