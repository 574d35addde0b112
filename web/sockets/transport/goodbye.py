"""Closes all sockets when the process stops: a few at a time, each told when to come back.

Those that are not told yet go on being served. So a socket is without a server for no longer than its own
`retry_after_ms`, and the processes that take the crowd over get it at a pace that they can bear.
"""

import random
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Final

import gevent
import orjson

from web.sockets.transport.connection import Connection
from web.sockets.transport.wire import GOING_AWAY, text_frame

PER_S: Final = 4_000  # sockets sent away in a second
LONGEST_S: Final = 4.0  # for all of them, however many
STEP_S: Final = 0.05
LAST_S: Final = 1.0  # for the last to say goodbye on their part
SHORTEST_RETRY_MS: Final = 100
LONGEST_RETRY_MS: Final = 3_000
RETRY_MS_A_SOCKET: Final = 0.25  # the more leave, the longer the time over which they come back


Dismiss = Callable[[Connection, Callable[[], None]], None]  # calls the goodbye when no message is in progress


def send_away(connections: Callable[[], Collection[Connection]], dismiss: Dismiss) -> None:
    """Say goodbye to all sockets; returns when they are gone. None may be let in any more."""
    leaving = list(connections())
    lasts_s = min(len(leaving) / PER_S, LONGEST_S)
    steps = max(1, round(lasts_s / STEP_S))
    for step in range(steps):
        for connection in leaving[step::steps]:
            dismiss(connection, partial(_say_goodbye, connection, len(leaving)))
        if steps > 1:
            gevent.sleep(STEP_S)
    until = time.monotonic() + LAST_S
    while connections() and time.monotonic() < until:
        gevent.sleep(0.02)
    for connection in list(connections()):
        connection.lose()


def _say_goodbye(connection: Connection, leaving: int) -> None:
    connection.push(bye_frame(leaving))
    connection.close(GOING_AWAY, "The server is restarting.")


def bye_frame(leaving: int) -> bytes:
    """Tell a client when to come back: a random time, within a window that is long enough for so many."""
    window_ms = min(SHORTEST_RETRY_MS + leaving * RETRY_MS_A_SOCKET, LONGEST_RETRY_MS)
    retry_after_ms = round(random.uniform(SHORTEST_RETRY_MS / 2, window_ms))  # noqa: S311 - spreads, hides nothing
    return text_frame(orjson.dumps({"type": "bye", "retry_after_ms": retry_after_ms}))
