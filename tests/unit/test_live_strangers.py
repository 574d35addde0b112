"""Sockets of strangers are counted by network, and those of others are not."""

import socket
from collections.abc import Iterator
from typing import Any, cast

import pytest

from web.http.errors import TooManyRequests
from web.sockets.transport.anonymous import Strangers
from web.sockets.transport.connection import Connection, Keeper


@pytest.fixture
def peers() -> Iterator[Any]:
    made: list[socket.socket] = []

    def make(address: str) -> Connection:
        pair = socket.socketpair()
        made.extend(pair)
        return Connection(pair[0], cast(Keeper, None), address)

    yield make
    for one in made:
        one.close()


def comes(strangers: Strangers, connection: Connection) -> bool:
    try:
        strangers.require_room(connection.address)
    except TooManyRequests:
        return False
    strangers.enter(connection)
    return True


def test_a_network_has_room_for_so_many(peers: Any) -> None:
    strangers = Strangers(3)
    assert [comes(strangers, peers("203.0.113.7")) for _ in range(5)] == [True] * 3 + [False] * 2
    assert comes(strangers, peers("203.0.113.8"))


@pytest.mark.parametrize(("form", "room"), [("203.0.113.{}", 16), ("2001:db8:0:{:x}00::1", 16)])
def test_many_addresses_of_one_customer_have_a_share_together(peers: Any, form: str, room: int) -> None:
    strangers = Strangers(2)
    assert sum(comes(strangers, peers(form.format(number))) for number in range(100)) == room


def test_who_left_or_is_known_makes_room_once(peers: Any) -> None:
    strangers, one = Strangers(1), peers("203.0.113.7")
    assert comes(strangers, one)
    assert not comes(strangers, peers("203.0.113.7"))
    strangers.leave(one)
    strangers.leave(one)
    assert comes(strangers, peers("203.0.113.7"))
    assert not comes(strangers, peers("203.0.113.7"))


def test_nothing_is_kept_of_those_who_left(peers: Any) -> None:
    strangers = Strangers(1000)
    many = [peers("203.0.113.7") for _ in range(10)] + [peers("2001:db8::1")]
    for one in many:
        assert comes(strangers, one)
    for one in many:
        strangers.leave(one)
    assert strangers._by_network == {}


def test_without_a_bound_nobody_is_counted(peers: Any) -> None:
    strangers = Strangers(0)
    assert all(comes(strangers, peers("203.0.113.7")) for _ in range(10))
    assert strangers._by_network == {}
