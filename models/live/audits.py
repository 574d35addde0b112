"""The result of a sale's last audit as it is kept in Redis: each check's verdict, and when it was made."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import orjson


@dataclass(frozen=True, slots=True)
class AuditNote:
    """The verdicts of an audit by the names of its checks.

    `at_ms`: for when they hold: the reading, or the last look that found that nothing had moved since.
    `in_flight`: verdicts of the sale were under way, so that some checks were limited to what must hold at
    every instant. `took_ms`: how long the audit took. `read_ms`: when both stores were read. `marks` and
    `ledger`: how the sale, and the ledger, stood then. `round_ms`: how long a round over all running sales
    takes, at the share of a core that audits may have.
    """

    at_ms: int
    in_flight: bool
    checks: Mapping[str, bool]
    took_ms: int = 0
    read_ms: int = 0
    marks: str = ""
    ledger: str = ""
    round_ms: int = 0

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
