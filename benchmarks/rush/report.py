"""The words and figures of a rush's report: what is counted, the table, the JSON."""

from collections import Counter
from dataclasses import dataclass

from benchmarks.harness.durations import Spread
from benchmarks.harness.report import counts_of
from benchmarks.verify.money import statements
from benchmarks.verify.testimony import Evidence


@dataclass(frozen=True, slots=True)
class Money:
    """Sums in minor units; the provider's are nothing where its books were not read."""

    paid_orders: int
    charged: int
    refunded: int
    charged_by_provider: int | None
    refunded_by_provider: int | None

    @classmethod
    def of(cls, evidence: Evidence) -> "Money":
        """Sum up both sides."""
        told, books = statements(evidence).values(), evidence.books
        return cls(
            paid_orders=sum(order.total_minor for order in evidence.orders if order.status == "paid"),
            charged=sum(one.charged_minor for one in told),
            refunded=sum(one.refunded_minor for one in told),
            charged_by_provider=None if books is None else sum(one.charged_minor for one in books),
            refunded_by_provider=None if books is None else sum(one.refunded_minor for one in books),
        )

    def __str__(self) -> str:
        sides = [(self.charged, self.refunded), (self.charged_by_provider, self.refunded_by_provider)]
        sums = [f"{charged:,} - {back:,}" for charged, back in sides if charged is not None]
        return f"{' | '.join(sums)} / {self.paid_orders:,}"


@dataclass(frozen=True, slots=True)
class Figures:
    """What the crowd measured. A verdict counts from when its submission was first sent."""

    shoppers: int
    units: int
    connections: int
    accepted: int
    accepted_per_s: float
    decided_per_s: float
    time_to_202: Spread
    time_to_verdict: Spread
    time_to_last_word: Spread
    verdicts: dict[str, int]
    heard_by: dict[str, int]
    resubmits: int
    throttled: int
    reconnects: int
    orders: dict[str, int]
    refusals: dict[str, int]
    paid_units: int
    manners: dict[str, int]  # what shoppers did about their holds, and what came of it
    payments: dict[str, int]  # attempts to charge, by what came of them
    money: "Money"


def count_figures(evidence: Evidence, connections: int) -> Figures:
    """Count what the shoppers testified."""
    told = evidence.told
    accepted = [t for t in told if t.is_accepted]
    sent = [t.sent_ns for t in told if t.sent_ns is not None]
    answered = [t.answered_ns for t in accepted if t.answered_ns is not None]
    decided = [t.decided_ns for t in accepted if t.decided_ns is not None]
    start = min(sent, default=0)
    return Figures(
        shoppers=len(told),
        units=evidence.units,
        connections=connections,
        accepted=len(accepted),
        accepted_per_s=_rate(start, answered),
        decided_per_s=_rate(start, decided),
        time_to_202=Spread.of([t.answered_ns - t.sent_ns for t in accepted if t.answered_ns and t.sent_ns]),
        time_to_verdict=Spread.of([t.decided_ns - t.sent_ns for t in accepted if t.decided_ns and t.sent_ns]),
        time_to_last_word=Spread.of([t.final_ns - t.sent_ns for t in accepted if t.final_ns and t.sent_ns]),
        verdicts=dict(Counter(t.verdict or "none" for t in accepted)),
        heard_by=dict(Counter(t.heard_by or "nothing" for t in accepted)),
        resubmits=sum(t.resubmits for t in told),
        throttled=sum(t.throttled for t in told),
        reconnects=sum(t.reconnects for t in told),
        orders=dict(Counter(t.order_status or "unknown" for t in told if t.order_ids)),
        refusals=dict(Counter(f"{t.answer} {t.refusal or ''}".strip() for t in told if not t.is_accepted)),
        paid_units=sum(order.quantity for order in evidence.orders if order.status == "paid"),
        manners=dict(Counter(f"{t.manner} → {t.order_status or 'unknown'}" for t in told if t.order_ids)),
        payments=dict(Counter(one.status for told in statements(evidence).values() for one in told.payments)),
        money=Money.of(evidence),
    )


def _rate(start_ns: int, times_ns: list[int]) -> float:
    seconds = (max(times_ns) - start_ns) / 1e9 if times_ns else 0.0
    return round(len(times_ns) / seconds, 1) if seconds > 0 else 0.0


def figure_rows(figures: Figures) -> list[tuple[str, str]]:
    """The figures as lines of the table."""
    rows = [
        ("accepted", f"{figures.accepted:,} of {figures.shoppers:,}"),
        ("accepted intents/s", f"{figures.accepted_per_s:,.0f}"),
        ("verdicts heard/s", f"{figures.decided_per_s:,.0f}"),
        ("time to 202, p50 / p99 / max", str(figures.time_to_202)),
        ("time to verdict, p50 / p99 / max", str(figures.time_to_verdict)),
        ("time to last word after standby", str(figures.time_to_last_word)),
        ("verdicts", counts_of(figures.verdicts)),
        ("heard by", counts_of(figures.heard_by)),
        ("orders", counts_of(figures.orders)),
        ("payments", counts_of(figures.payments)),
        ("paid units", f"{figures.paid_units:,} of {figures.units:,}"),
        ("charges - refunds / paid orders", str(figures.money)),
        (
            "sent again / throttled / reconnects",
            f"{figures.resubmits} / {figures.throttled} / {figures.reconnects}",
        ),
    ]
    if len({manner.partition(" ")[0] for manner in figures.manners}) > 1:
        rows.append(("of the holders", counts_of(figures.manners)))
    if figures.refusals:
        rows.append(("not accepted", counts_of(figures.refusals)))
    return rows
