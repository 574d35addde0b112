"""The names of all keys and channels in Redis. No key is built anywhere else, least of all in Lua.

Every key of a sale carries the hash tag `{sale:<id>}`, so that a sale lives in one slot of a cluster.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

VERDICT_CHANNELS: Final = "{sale:*}:verdicts"
LIVE_CHANNELS: Final = "{sale:*}:live"
CATALOGUE: Final = "catalogue"  # channel: a product changed, or there is a new sale
SOCKETS: Final = "sockets"
WORKERS: Final = "heartbeats"
LEDGER: Final = "ledger"  # the id of the ledger that this Redis belongs to
MEASURED: Final = "measured"  # the sums of what workers measured
FIGURES: Final = "figures_packed"  # a page of figures for Prometheus
TRIAL: Final = "trial"  # written to find out whether Redis takes writes


@dataclass(frozen=True, slots=True)
class SaleKeys:
    """The keys and channels of one sale. The scripts' headers say what each holds."""

    state: str
    line: str
    intents: str
    active: str
    units: str
    claims: str
    claimed: str
    adjustments: str
    standby: str
    holds: str
    sold: str
    late: str
    lobby: str
    departed: str
    leavings: str
    needs: str
    pulse: str
    audit: str
    heard: str
    trial: str
    live_channel: str
    verdict_channel: str
    _prefix: str

    @classmethod
    def of(cls, sale_id: UUID) -> "SaleKeys":
        """Name the keys of the sale with this id."""
        prefix = tag_of(sale_id)
        return cls(
            state=f"{prefix}:state",
            line=f"{prefix}:line",
            intents=f"{prefix}:intents",
            active=f"{prefix}:active",
            units=f"{prefix}:units",
            claims=f"{prefix}:claims",
            claimed=f"{prefix}:claimed",
            adjustments=f"{prefix}:adjustments",
            standby=f"{prefix}:standby",
            holds=f"{prefix}:holds",
            sold=f"{prefix}:sold",
            late=f"{prefix}:late",
            lobby=f"{prefix}:lobby",
            departed=f"{prefix}:departed",
            leavings=f"{prefix}:leavings",
            needs=f"{prefix}:needs",
            pulse=f"{prefix}:pulse",
            audit=f"{prefix}:audit",
            heard=f"{prefix}:heard",
            trial=f"{prefix}:trial",
            live_channel=f"{prefix}:live",
            verdict_channel=f"{prefix}:verdicts",
            _prefix=prefix,
        )

    def idempotency(self, user_id: str, key: str) -> str:
        """Name the place where the answer to a shopper's Idempotency-Key is remembered."""
        return f"{self._prefix}:key:{user_id}:{key}"

    def whole_state(self) -> list[str]:
        """List the keys that together are the live state, in the order that `load.lua` declares."""
        return [
            self.state,
            self.line,
            self.intents,
            self.active,
            self.units,
            self.claims,
            self.claimed,
            self.adjustments,
            self.standby,
            self.holds,
            self.sold,
            self.late,
            self.lobby,
            self.departed,
            self.leavings,
            self.needs,
        ]

    def remarks(self) -> list[str]:
        """List the keys of what is noted about the live state: losing it loses nothing."""
        return [self.pulse, self.audit, self.heard]


def tag_of(sale_id: UUID) -> str:
    """Name what all keys of a sale begin with: their hash tag, which has the slot that they have."""
    return f"{{sale:{sale_id}}}"


def sale_of_channel(channel: str) -> str:
    """Read the sale's id from the name of one of its channels."""
    return channel[len("{sale:") : channel.index("}")]


def turn_at(work: str) -> str:
    """Name the key that marks that some process does a piece of work, or did so just now."""
    return f"turn:{work}"
