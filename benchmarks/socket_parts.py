"""Owns what the parts of a waiting socket weigh: each is made many times, and tracemalloc is asked."""

import gc
import socket
import tracemalloc
import uuid
from collections.abc import Callable
from typing import Any, Final

from wsproto.connection import SERVER
from wsproto.connection import Connection as Parser

from benchmarks.ws_wire import client_frame
from tasks.context import Context
from web.auth.tokens import Identity, Verified
from web.sockets.delivery.sessions import People
from web.sockets.delivery.subscription import Watches
from web.sockets.transport.connect_limit import Gate
from web.sockets.transport.connection import Connection
from web.sockets.transport.frames import FrameReader
from web.sockets.transport.wire import Wire

COUNT: Final = 500
TEXT: Final = 1


class Nobody:
    """A keeper that keeps nothing."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_: True


def parts_of_a_socket() -> dict[str, float]:
    """Weigh each part, in bytes a socket; «not kept» is what a socket would have besides, and has not."""
    keeper: Any = Nobody()
    sockets = [socket.socketpair() for _ in range(COUNT)]
    connections = [Connection(ours, keeper) for ours, _ in sockets]
    people = People()
    context: Any = Context
    watches = Watches(context)
    sale_id = uuid.uuid4()
    weights = {
        "connection with wire and gate": weigh(lambda at: Connection(sockets[at][0], keeper)),
        "  of it the wire": weigh(lambda at: Wire(sockets[at][0])),
        "  of it the gate": weigh(lambda _: Gate()),
        "the socket's object": weigh(lambda at: socket.socket(fileno=_again(sockets[at][1]))),
        "identity": weigh(lambda _: somebody()),
        "its place among the people": weigh(lambda at: people.enter(connections[at], somebody()))
        - weigh(lambda _: somebody()),
        "a subscription": weigh(lambda at: watches.join(connections[at], sale_id)),
        "not kept: a reader of ours": weigh(lambda _: FrameReader()),
        "not kept: wsproto's reader": weigh(lambda _: used_parser()),
    }
    for ours, theirs in sockets:
        ours.close()
        theirs.close()
    return weights


def weigh(make: Callable[[int], Any]) -> float:
    """Bytes that one of these takes, of those that many take."""
    kept: list[Any] = [None] * COUNT
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for at in range(COUNT):
            kept[at] = make(at)
        return (tracemalloc.get_traced_memory()[0] - before) / COUNT
    finally:
        tracemalloc.stop()


def somebody() -> Verified:
    """Who a token says it is."""
    identity = Identity(uuid.uuid4(), "shopper", uuid.uuid4())
    return Verified(identity, "access", uuid.uuid4(), 2e9 + len(identity.role), None)


def used_parser() -> Parser:
    """A reader of wsproto's after its first message, when everything that it makes lazily is there."""
    parser = Parser(SERVER)
    parser.receive_data(client_frame(TEXT, b"{}"))
    list(parser.events())
    return parser


def _again(one: socket.socket) -> int:
    return one.dup().detach()
