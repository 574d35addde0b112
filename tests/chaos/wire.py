"""Sends one try of one request, and says what its answer, or the lack of one, proves."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from benchmarks.client.http import HttpPool, Tries
from benchmarks.client.http_wire import HttpProtocolError

PATIENCE_S: Final = 12.0  # seconds; above the longest that the shop itself looks for a lost answer


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `status` 0: none came; `was_sent`: the shop may have got the request."""

    status: int
    said: dict[str, Any] = field(default_factory=dict)
    was_sent: bool = True

    @property
    def code(self) -> str:
        """The problem's code, or what stands for it."""
        if self.status == 0:
            return "no_answer" if self.was_sent else "not_sent"
        return str(self.said.get("code", self.status))

    @property
    def is_unsure(self) -> bool:
        """Whether what was asked for may have taken place or not.

        Of a write, 503 `line_unavailable` says that it surely did not.
        """
        if self.status == 0:
            return self.was_sent
        return self.status >= 500 and self.code != "line_unavailable"


class Wire:
    """One client's connection to the shop."""

    def __init__(self, pool: HttpPool, token: str) -> None:
        self._pool = pool
        self._headers = {"Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    async def ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        key: str = "",
        patience_s: float = PATIENCE_S,
    ) -> Reply:
        """Send a request once."""
        headers, data = dict(self._headers), b""
        if body is not None:
            headers["Content-Type"], data = "application/json", orjson.dumps(body)
        if key:
            headers["Idempotency-Key"] = key
        tries = Tries()
        try:
            async with asyncio.timeout(patience_s):
                answer = await self._pool.exchange(method, path, tries, headers=headers, body=data)
                said = answer.json() if answer.body else {}
        except HttpProtocolError as error:
            return Reply(599, {"code": "not_json", "detail": str(error)[:200]})
        except (OSError, TimeoutError):
            return Reply(0, was_sent=tries.first_sent_ns is not None)
        return Reply(answer.status, said if isinstance(said, dict) else {})
