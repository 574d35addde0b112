"""Metrics of money, mails and pushes: counted in the ledger by who moves them, read at a scrape.

Workers are not scraped, and web processes come and go; the ledger sees all of them. A reading is kept for a
second, so that nobody can make the ledger work by asking often.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from prometheus_client import Counter

from models.database import Database
from models.enums import MailKind, MailStatus, PaymentStatus, RefundCause, RefundStatus
from models.errors import LedgerUnavailable
from models.queries.money import WAITING, Open, read_open
from models.queries.tallies import read_tallies
from tasks.figures.text import family, gauge, histogram
from tasks.push.words import SAID
from tasks.runtime.single_flight import Flights
from tasks.runtime.tallies import MAILS, PAYMENT_OUTCOMES, PAYMENTS_BEGUN, PUSHES, REFUNDS, SECONDS

KEPT_S: Final = 1.0
OUTCOMES: Final[tuple[str, ...]] = (
    *(PaymentStatus.SUCCEEDED, PaymentStatus.DECLINED),
    *(PaymentStatus.LATE, PaymentStatus.ABANDONED),
)
REFUND_STEPS: Final = ("asked", RefundStatus.SUCCEEDED, RefundStatus.FAILED)
MAIL_STEPS: Final = ("entered", "put_off", MailStatus.MAILED, MailStatus.GIVEN_UP)
BOUNDS: Final = (*(str(bound) for bound in SECONDS), "+Inf")
PUSH_STEPS: Final = ("entered", "put_off", "sent", "gone", "given_up")
OPEN: Final[
    Mapping[str, tuple[str, Sequence[str]]]
] = {  # what waits: its table, and the statuses it may have
    "payments": ("payments", (PaymentStatus.PENDING, PaymentStatus.ABANDONED, PaymentStatus.LATE)),
    "refunds": ("refunds", (RefundStatus.PENDING, RefundStatus.FAILED)),
    "mails": ("mails", (MailStatus.PENDING,)),
    "pushes": ("push_messages", (WAITING,)),
}
WEBHOOKS: Final = Counter(
    "payment_webhooks_total", "Webhooks of payment providers, by what became of them", ("provider", "result")
)

Tallies = Mapping[str, Mapping[tuple[str, ...], tuple[int, int]]]


class MoneyFigures:
    """Reads the tallies of money, mails and pushes, and what is on its way."""

    def __init__(
        self, database: Database, provider: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._provider = provider  # whose series begin at zero
        self._clock = clock
        self._flights: Flights[str] = Flights()
        self._read = ""
        self._read_at = float("-inf")

    def text(self) -> str:
        """Write every figure; nothing but that while the ledger is away."""
        is_old = self._clock() - self._read_at >= KEPT_S
        return self._flights.join("figures", self._renew) if is_old else self._read

    def _renew(self) -> str:
        self._read, self._read_at = self._look(), self._clock()
        return self._read

    def _look(self) -> str:
        try:
            with self._database.transaction() as session:
                tallies, open_rows = read_tallies(session), read_open(session)
        except LedgerUnavailable:
            return _readable(0)
        return "".join((_readable(1), *_counted(tallies, self._provider), *_on_its_way(open_rows)))


def _readable(answer: int) -> str:
    return gauge("money_figures_readable", "Whether the figures of money could be read", answer)


def _counted(tallies: Tallies, provider: str) -> Iterator[str]:
    yield _outcomes(tallies, provider)
    for name, tally, says, labels, zeros in (
        ("payments_begun_total", PAYMENTS_BEGUN, "Payments that were begun", ["provider"], [(provider,)]),
        ("refunds_total", REFUNDS, "Refunds, by their cause and what happened", ["cause", "result"],
         product(RefundCause, REFUND_STEPS)),
        ("mails_total", MAILS, "Mails, by their kind and what happened", ["kind", "result"],
         product(MailKind, MAIL_STEPS)),
        ("pushes_total", PUSHES, "Pushes, by their kind and what happened", ["kind", "result"],
         product(SAID, PUSH_STEPS)),
    ):  # fmt: skip
        # Every series begins at zero: what appears with its first count seems not to have grown.
        counts = dict.fromkeys(zeros, 0) | {
            values: many for values, (many, _) in tallies.get(tally, {}).items()
        }
        yield family("counter", name, says, labels, sorted(counts.items()))


def _outcomes(tallies: Tallies, provider: str) -> str:
    """How payments came out, and how long that took from their beginning."""
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(BOUNDS, 0))
    total_ms: dict[tuple[str, str], int] = defaultdict(int)
    for outcome in OUTCOMES:
        counts[provider, outcome] = dict.fromkeys(BOUNDS, 0)
    for (whose, outcome, bound), (many, ms) in tallies.get(PAYMENT_OUTCOMES, {}).items():
        counts[whose, outcome][bound] = many
        total_ms[whose, outcome] += ms
    says = "Seconds from the beginning of a payment to what became of it"
    rows = [(labels, by_bound, total_ms[labels] / 1000) for labels, by_bound in sorted(counts.items())]
    return histogram("payment_outcome_seconds", says, ["provider", "outcome"], rows)


def _on_its_way(found: Mapping[str, Sequence[Open]]) -> Iterator[str]:
    """What has not come to its end, as it is now."""
    for what, (table, statuses) in OPEN.items():
        rows = {one.status: one for one in found.get(table, ())}
        many = [((status,), rows[status].count if status in rows else 0) for status in statuses]
        yield family("gauge", f"{what}_open", f"Rows of {what} that are not over", ["status"], many)
        ages = [
            ((status,), rows[status].oldest.total_seconds() if status in rows else 0) for status in statuses
        ]
        says = f"Age of the oldest of {what} that is not over"
        yield family("gauge", f"{what}_oldest_open_seconds", says, ["status"], ages)
