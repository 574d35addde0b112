"""Limits how many unauthenticated sockets a network may have in this process.

Authenticated sockets are counted by account instead, so that many who log in behind one address have room.
"""

import random
from typing import Final

from web.http.errors import TooManyRequests
from web.limits.networks import networks_of
from web.sockets.metrics import REFUSED
from web.sockets.transport.connection import Connection

LONGEST_WAIT_S: Final = 30


class AnonymousSockets:
    """Counts unauthenticated sockets by the networks around their addresses; a bound of 0 is none."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_network: dict[str, int] = {}

    def require_room(self, address: str) -> None:
        """Let one more come from there.

        Raises:
            TooManyRequests: there are too many.
        """
        if self._most and any(
            self._by_network.get(one.name, 0) >= self._most * one.share for one in networks_of(address)
        ):
            REFUSED.labels("network").inc()
            wait_s = random.randint(1, LONGEST_WAIT_S)  # noqa: S311 - spreads, hides nothing
            raise TooManyRequests(wait_s, "Too many sockets of this network; authenticate, or try again.")

    def enter(self, connection: Connection) -> None:
        """Count one that came."""
        if self._most and not connection.is_anonymous:
            connection.is_anonymous = True
            for one in networks_of(connection.address):
                self._by_network[one.name] = self._by_network.get(one.name, 0) + 1

    def leave(self, connection: Connection) -> None:
        """Stop counting one that is gone or authenticated now."""
        if connection.is_anonymous:
            connection.is_anonymous = False
            for one in networks_of(connection.address):
                left = self._by_network.pop(one.name) - 1
                if left:
                    self._by_network[one.name] = left
