"""Money's metrics: counted in the ledger by each process that moves it, read when Prometheus scrapes.

Workers are not scraped, and web processes come and go; the ledger sees all of them. A reading is kept for a
second, so that nobody can make the ledger work by asking often.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, product
from typing import Final

from prometheus_client import Counter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from models.database import Database
from models.enums import MailKind, MailStatus, PaymentStatus, RefundCause, RefundStatus
from models.errors import LedgerUnavailable
from models.queries.money import Open, read_open
from models.queries.tallies import read_tallies
from tasks.runtime.single_flight import Flights
from tasks.runtime.tallies import MAILS, PAYMENT_OUTCOMES, PAYMENTS_BEGUN, REFUNDS, SECONDS

KEPT_S: Final = 1.0
OUTCOMES: Final[tuple[str, ...]] = (
    *(PaymentStatus.SUCCEEDED, PaymentStatus.DECLINED),
    *(PaymentStatus.LATE, PaymentStatus.ABANDONED),
)
REFUND_STEPS: Final = ("asked", RefundStatus.SUCCEEDED, RefundStatus.FAILED)
MAIL_STEPS: Final = ("entered", "put_off", MailStatus.MAILED, MailStatus.GIVEN_UP)
BOUNDS: Final = (*(str(bound) for bound in SECONDS), "+Inf")
STATUSES: Final[Mapping[str, Sequence[str]]] = {
    "payments": (PaymentStatus.PENDING, PaymentStatus.ABANDONED, PaymentStatus.LATE),
    "refunds": (RefundStatus.PENDING, RefundStatus.FAILED),
    "mails": (MailStatus.PENDING,),
}
WEBHOOKS: Final = Counter(
    "payment_webhooks_total", "Webhooks of payment providers, by what became of them", ("provider", "result")
)

Tallies = Mapping[str, Mapping[tuple[str, ...], tuple[int, int]]]


class MoneyCollector(Collector):
    """Reads the tallies of money and what is on its way."""

    def __init__(
        self, database: Database, provider: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._provider = provider  # whose series begin at zero
        self._clock = clock
        self._flights: Flights[list[Metric]] = Flights()
        self._read: list[Metric] = []
        self._read_at = float("-inf")

    def collect(self) -> Iterator[Metric]:
        """Give every figure; nothing but that while the ledger is away."""
        is_old = self._clock() - self._read_at >= KEPT_S
        yield from self._flights.join("figures", self._renew) if is_old else self._read

    def _renew(self) -> list[Metric]:
        self._read, self._read_at = self._look(), self._clock()
        return self._read

    def _look(self) -> list[Metric]:
        readable = GaugeMetricFamily("money_figures_readable", "Whether the figures of money could be read")
        try:
            with self._database.transaction() as session:
                figures = [*self._counted(read_tallies(session)), *_on_its_way(read_open(session))]
        except LedgerUnavailable:
            readable.add_metric([], 0)
            return [readable]
        readable.add_metric([], 1)
        return [readable, *figures]

    def _counted(self, tallies: Tallies) -> Iterator[Metric]:
        begun: dict[tuple[str, ...], int] = {(self._provider,): 0} | _counts(tallies, PAYMENTS_BEGUN)
        yield _counter("payments_begun", "Payments that were begun", ("provider",), begun)
        yield _outcomes(tallies, self._provider)
        refunds = _zeros(RefundCause, REFUND_STEPS) | _counts(tallies, REFUNDS)
        yield _counter("refunds", "Refunds, by their cause and what happened", ("cause", "result"), refunds)
        mails = _zeros(MailKind, MAIL_STEPS) | _counts(tallies, MAILS)
        yield _counter("mails", "Mails, by their kind and what happened", ("kind", "result"), mails)


def money_registry(collector: MoneyCollector) -> CollectorRegistry:
    """Make a registry that holds these figures alone."""
    registry = CollectorRegistry()
    registry.register(collector)
    return registry


def _zeros(kinds: Iterable[str], steps: Iterable[str]) -> dict[tuple[str, ...], int]:
    """Begin every series at zero: what appears with its first count seems not to have grown."""
    return dict.fromkeys(product(kinds, steps), 0)


def _counts(tallies: Tallies, name: str) -> dict[tuple[str, ...], int]:
    return {labels: many for labels, (many, _) in tallies.get(name, {}).items()}


def _counter(
    name: str, says: str, labels: Sequence[str], counts: Mapping[tuple[str, ...], int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, says, labels=labels)
    for values, many in sorted(counts.items()):
        family.add_metric(values, many)
    return family


def _outcomes(tallies: Tallies, provider: str) -> HistogramMetricFamily:
    """How payments came out, and how long that took from their beginning."""
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    total_ms: dict[tuple[str, str], int] = defaultdict(int)
    for outcome in OUTCOMES:
        counts[provider, outcome] = {}
    for (whose, outcome, bound), (many, ms) in tallies.get(PAYMENT_OUTCOMES, {}).items():
        counts[whose, outcome][bound] = many
        total_ms[whose, outcome] += ms
    family = HistogramMetricFamily(
        "payment_outcome_seconds",
        "Seconds from the beginning of a payment to what became of it",
        labels=("provider", "outcome"),
    )
    for labels, by_bound in sorted(counts.items()):
        upto = accumulate(by_bound.get(bound, 0) for bound in BOUNDS)
        family.add_metric(labels, list(zip(BOUNDS, upto, strict=True)), total_ms[labels] / 1000)
    return family


def _on_its_way(rows: Mapping[str, Sequence[Open]]) -> Iterator[Metric]:
    """What has not come to its end, as it is now."""
    for what, open_rows in rows.items():
        found = {one.status: one for one in open_rows}
        many = GaugeMetricFamily(f"{what}_open", f"Rows of {what} that are not over", labels=("status",))
        oldest = GaugeMetricFamily(
            f"{what}_oldest_open_seconds", f"Age of the oldest of {what} that is not over", labels=("status",)
        )
        for status in STATUSES[what]:
            one: Open | None = found.get(status)
            many.add_metric([status], one.count if one else 0)
            oldest.add_metric([status], one.oldest.total_seconds() if one else 0)
        yield many
        yield oldest
