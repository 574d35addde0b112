"""The result of a sale's last audit as it is kept in Redis: each check's verdict, and when it was made."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import orjson


@dataclass(frozen=True, slots=True)
class AuditNote:
    """The verdicts of an audit by the names of its checks.

    `in_flight`: verdicts of the sale were under way, so that some checks were limited to what must hold at
    every instant. `took_ms`: how long the audit took.
    """

    at_ms: int
    in_flight: bool
    checks: Mapping[str, bool]
    took_ms: int = 0

    @property
    def is_ok(self) -> bool:
        """Whether every invariant held."""
        return all(self.checks.values())

    def pack(self) -> bytes:
        """Write it down."""
        return orjson.dumps(asdict(self))

    @classmethod
    def unpack(cls, packed: str) -> "AuditNote":
        """Read what was written down."""
        return cls(**orjson.loads(packed))
