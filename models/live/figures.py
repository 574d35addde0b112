"""Figures for operators: how running sales stand, and what the workers measured, read in few round trips.

What workers measured is summed in one hash, to which each adds what has grown. Losing it loses nothing else:
to Prometheus a counter that begins again is nothing new.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, cast
from uuid import UUID

from redis import ResponseError
from redis.client import NEVER_DECODE

from models.live.connection.cluster import ClusterClient
from models.live.keys import FIGURES, MEASURED, SaleKeys
from models.live.redis import Client, translated

PAGE_MS: Final = 60_000  # a page that nobody renews is dropped
MOST_CLAIMS: Final = 100  # that are read for their age, of all sales together; each is some 20 KB
FIELDS: Final = (
    *("status", "available", "held", "sold", "waiting", "standby", "open_holds", "last_ticket"),
    *("now_serving", "rate_per_second", "max_open_holds", "opens_at_ms", "audit_ok", "audited_ms"),
)


@dataclass(slots=True)
class SaleFigures:
    """How a sale stands, field by field. Ages are by Redis' clock; 0 where there is nothing that ages."""

    sale_id: UUID
    fields: Mapping[str, str]
    claims: int
    parked: int = 0
    head_s: float = 0.0
    oldest_claim_s: float = 0.0
    unread: list[str] = field(default_factory=list)  # claims whose age is still to be read

    def number(self, name: str) -> int:
        """Read a counter of the state; 0 where there is none."""
        return int(self.fields.get(name) or 0)

    @property
    def is_held_back(self) -> bool:
        """Whether a pace, or the most open holds, may keep the head of the line waiting on purpose."""
        most = self.number("max_open_holds")
        return self.number("rate_per_second") > 0 or 0 < most <= self.number("open_holds")


class Figures:
    """Reads and keeps the figures at one Redis."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def add(self, grown: Mapping[str, int]) -> None:
        """Add to the sums of what was measured, in one round trip.

        Raises:
            LineUnavailable: there was no answer; what was added is unknown.
        """
        self._ask([("HINCRBY", MEASURED, name, by) for name, by in grown.items()])

    def keep_page(self, page: bytes) -> None:
        """Keep a page, packed as it comes, for those who are asked for one within the next minute."""
        self._ask([("SET", FIGURES, page, "PX", PAGE_MS)])

    def read(self) -> tuple[bytes, dict[str, int]]:
        """Read the page as it was kept, empty where there is none, and the sums of what was measured."""
        with translated():
            pipeline = self._client.pipeline(transaction=False)
            pipeline.execute_command("GET", FIGURES, **{NEVER_DECODE: True})  # type: ignore[no-untyped-call]
            pipeline.hgetall(MEASURED)
            page, sums = pipeline.execute()
        return page or b"", {name: int(many) for name, many in sums.items()}

    def server(self) -> dict[str, Any]:
        """Read what Redis tells of its memory, disk and replicas; nothing where it refuses, or is many."""
        if isinstance(self._client, ClusterClient):
            return {}
        with translated(), suppress(ResponseError):
            return cast(dict[str, Any], self._client.info())
        return {}

    def of_sales(self, sale_ids: Sequence[UUID], now_ms: int) -> list[SaleFigures]:
        """Read how these sales stand at `now_ms` of Redis' clock; those without a live state are left out.

        Three round trips, of which the later ones ask of sales only where somebody waits or a claim is under
        way. So between them a head may be decided; it has no age then.
        """
        if not sale_ids:
            return []
        asked: list[tuple[Any, ...]] = []
        for sale_id in sale_ids:
            keys = SaleKeys.of(sale_id)
            asked += [("HMGET", keys.state, *FIELDS), ("ZCARD", keys.claims)]
        told = self._ask(asked)
        found = [
            SaleFigures(sale_id, dict(zip(FIELDS, state, strict=True)), claims)
            for sale_id, state, claims in zip(sale_ids, told[::2], told[1::2], strict=True)
            if isinstance(state, list) and state[0] is not None and isinstance(claims, int)
        ]
        self._find_ages([one for one in found if one.claims or one.number("waiting")], now_ms)
        return found

    def _find_ages(self, busy: Sequence[SaleFigures], now_ms: int) -> None:
        """Find who stands at the head of each line, and which claims are under way; then their ages."""
        if not busy:
            return
        asked: list[tuple[Any, ...]] = []
        for one in busy:
            keys = SaleKeys.of(one.sale_id)
            asked += [
                ("LINDEX", keys.line, 0),
                ("ZRANGE", keys.lobby, 0, 0),
                ("ZCOUNT", keys.claims, "+inf", "+inf"),
                ("ZRANGE", keys.claims, 0, 7),
            ]
        told = self._ask(asked)
        heads: list[str] = []
        for at, one in enumerate(busy):
            first, in_lobby, one.parked, one.unread = told[4 * at : 4 * at + 4]
            heads.append(in_lobby[0] if in_lobby else first or "")
        self._read_ages(busy, heads, now_ms)

    def _read_ages(self, busy: Sequence[SaleFigures], heads: Sequence[str], now_ms: int) -> None:
        claims = list(islice(((one, claim) for one in busy for claim in one.unread), MOST_CLAIMS))
        asked: list[tuple[Any, ...]] = [
            ("HGET", SaleKeys.of(one.sale_id).intents, head) for one, head in zip(busy, heads, strict=True)
        ]
        asked += [("HGET", SaleKeys.of(one.sale_id).claimed, claim) for one, claim in claims]
        records = self._ask(asked)
        for one, record in zip(busy, records, strict=False):
            if isinstance(record, str):
                opened_ms = one.number("opens_at_ms")  # still to come where it was opened by hand
                since_ms = max(int(record.split("|")[4]), opened_ms if opened_ms <= now_ms else 0)
                one.head_s = max(now_ms - since_ms, 0) / 1000
        for (one, _), record in zip(claims, records[len(busy) :], strict=True):
            if isinstance(record, str):
                decided_ms = int(record.split("|", 3)[2])
                one.oldest_claim_s = max(one.oldest_claim_s, (now_ms - decided_ms) / 1000, 0)

    def _ask(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Send these together; an error that is one command's stands in the place of its answer."""
        with translated():
            pipeline = self._client.pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
            return pipeline.execute(raise_on_error=False)
