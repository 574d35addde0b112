"""Counts open sockets: each web process reports its own to Redis, so that any of them can answer for all."""

from collections.abc import Mapping
from typing import Any, Final, cast
from uuid import UUID

import orjson

from models.live.keys import SOCKETS
from models.live.redis import Client, translated

FRESH_MS: Final = 10_000  # a process that reported nothing for longer, or reports from the future, is gone


class Attendance:
    """The number of sockets of each process at one Redis."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def note(self, process: str, sockets: int, watchers: Mapping[str, int], now_ms: int) -> None:
        """Report a process's sockets, and how many watch which sale. Drops processes that are gone."""
        gone = [name for name, told in self._read().items() if _is_old(told, now_ms)]
        told = {"at_ms": now_ms, "sockets": sockets, "watchers": dict(watchers)}
        with translated():
            pipeline = self._client.pipeline(transaction=False)
            pipeline.hset(SOCKETS, process, orjson.dumps(told).decode())
            if gone:
                pipeline.hdel(SOCKETS, *gone)
            pipeline.execute()

    def of(self, sale_id: UUID, now_ms: int) -> dict[str, int]:
        """Count the sockets, the processes, and the sockets that watch a sale."""
        present = [told for told in self._read().values() if not _is_old(told, now_ms)]
        return {
            "open": sum(told["sockets"] for told in present),
            "watching": sum(told["watchers"].get(str(sale_id), 0) for told in present),
            "processes": len(present),
        }

    def _read(self) -> dict[str, dict[str, Any]]:
        with translated():
            packed = cast(dict[str, str], self._client.hgetall(SOCKETS))
        return {process: orjson.loads(told) for process, told in packed.items()}


def _is_old(told: Mapping[str, Any], now_ms: int) -> bool:
    return bool(abs(now_ms - told["at_ms"]) > FRESH_MS)
