"""Groups sockets by a key that most have to themselves, such as their user: one alone needs no set."""

from collections.abc import KeysView
from typing import Generic, TypeVar
from uuid import UUID

from web.sockets.transport.connection import Connection

K = TypeVar("K", str, UUID)


class Groups(Generic[K]):
    """Which connections have which key."""

    def __init__(self) -> None:
        self._of: dict[K, Connection | set[Connection]] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._of

    def __bool__(self) -> bool:
        return bool(self._of)

    def keys(self) -> KeysView[K]:
        """All keys that a connection has."""
        return self._of.keys()

    def of(self, key: K) -> tuple[Connection, ...]:
        """The connections that have a key."""
        found = self._of.get(key)
        if found is None:
            return ()
        return tuple(found) if isinstance(found, set) else (found,)

    def everybody(self) -> list[Connection]:
        """All connections."""
        return [connection for key in self._of for connection in self.of(key)]

    def add(self, key: K, connection: Connection) -> None:
        """Give a connection a key."""
        found = self._of.setdefault(key, connection)
        if isinstance(found, set):
            found.add(connection)
        elif found is not connection:
            self._of[key] = {found, connection}

    def discard(self, key: K, connection: Connection) -> None:
        """Take a key from a connection."""
        found = self._of.get(key)
        if isinstance(found, set):
            found.discard(connection)
            if not found:
                del self._of[key]
        elif found is connection:
            del self._of[key]
