"""The stored truth of a soak: what the shop's own lists and audits say once everything is quiet."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredSale:
    """One sale with all of its rows, as the API lists them. `owners`: a shopper's own list of ids."""

    sale: Row
    intents: list[Row]
    orders: list[Row]
    audit: Row | None = None
    owners: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Money:
    """All money, as it lies in the database: the shop's rows, and the books of the sandbox (`charges`).

    `webhooks`: the ids of those that were applied. `released`: by orders' ids, when the live side was known
    to have followed their end.
    """

    payments: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    receipts: list[Row] = field(default_factory=list)
    charges: list[Row] = field(default_factory=list)
    webhooks: list[str] = field(default_factory=list)
    released: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Truth:
    """What is stored, and how it came to rest. Times are seconds after the healing."""

    sales: dict[str, StoredSale]
    money: Money = field(default_factory=Money)
    undecided_at_heal: int = 0
    undecided_late: int = 0  # after the time that a decision may take
    all_decided_s: float | None = None  # None: not within the deadline
    quiet_s: float | None = None
    money_settled_s: float | None = None


def save_truth(truth: Truth, path: Path) -> None:
    """Keep it for another judgement."""
    path.write_bytes(orjson.dumps(asdict(truth), option=orjson.OPT_INDENT_2))


def load_truth(path: Path) -> Truth:
    """Read it back."""
    said = orjson.loads(path.read_bytes())
    sales = {sale: StoredSale(**rows) for sale, rows in said["sales"].items()}
    return Truth(**{**said, "sales": sales, "money": Money(**said["money"])})
