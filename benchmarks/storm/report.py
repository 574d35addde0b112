"""The words and figures of a storm's report."""

from collections import Counter
from dataclasses import dataclass

from benchmarks.harness.durations import Spread
from benchmarks.harness.report import counts_of
from benchmarks.rush.report import Money
from benchmarks.storm.letters import Kind
from benchmarks.verify.storm_checks import HELD_AGAIN, REFUNDED, TOO_LATE, StormEvidence
from benchmarks.verify.testimony import Evidence


@dataclass(frozen=True, slots=True)
class StormFigures:
    """What a storm was like."""

    webhooks: int
    connections: int
    seed: int
    per_s: float  # webhooks a second, while any were on their way
    in_burst: int  # of them in the last burst, when everything had been said
    time_to_answer: Spread
    resent: int
    kinds: dict[str, dict[str, int]]  # kind → status → how many
    events: int  # different ones that the provider had to say
    disordered: int  # charges whose success was sent before the news that they are pending
    payments: dict[str, int]
    orders: dict[str, int]
    late: int
    held_again: int
    late_refunded: int
    money: Money


def count_storm(
    evidence: Evidence, storm: StormEvidence, *, connections: int, seed: int, busy_s: float, in_burst: int
) -> StormFigures:
    """Count what was sent, and what came of it."""
    kinds: dict[str, Counter[str]] = {}
    for posted in storm.posted:
        kinds.setdefault(posted.letter.kind, Counter())[str(posted.status)] += 1
    reasons = Counter(reason for history in storm.histories.values() for _, reason in history)
    return StormFigures(
        webhooks=len(storm.posted),
        connections=connections,
        seed=seed,
        per_s=round(len(storm.posted) / busy_s, 1) if busy_s else 0.0,
        in_burst=in_burst,
        time_to_answer=Spread.of([one.answered_ns - one.sent_ns for one in storm.posted]),
        resent=sum(one.resent for one in storm.posted),
        kinds={kind.value: dict(kinds[kind]) for kind in Kind if kind in kinds},
        events=len(storm.events),
        disordered=count_disordered(storm),
        payments=dict(Counter(one.status for one in storm.outcomes)),
        orders=dict(Counter(order.status for order in evidence.orders)),
        late=reasons[TOO_LATE],
        held_again=reasons[HELD_AGAIN],
        late_refunded=reasons[REFUNDED],
        money=Money.of(evidence),
    )


def count_disordered(storm: StormEvidence) -> int:
    """Count the charges whose success was sent before the news, or a copy of it, that they are pending."""
    first_success: dict[bytes, int] = {}
    last_pending: dict[bytes, int] = {}
    for posted in storm.posted:
        if posted.letter.kind not in {Kind.FIRST, Kind.LATE, Kind.REPEAT}:
            continue
        payment = _payment_of(posted.letter.body)
        if b'"type":"charge.succeeded"' in posted.letter.body:
            first_success[payment] = min(first_success.get(payment, posted.sent_ns), posted.sent_ns)
        elif b'"type":"charge.pending"' in posted.letter.body:
            last_pending[payment] = max(last_pending.get(payment, 0), posted.sent_ns)
    return sum(first_success.get(payment, sent) < sent for payment, sent in last_pending.items())


def _payment_of(body: bytes) -> bytes:
    return body.partition(b'"payment_id":"')[2][:36]


def kind_rows(figures: StormFigures) -> list[tuple[str, str]]:
    """What was sent and answered, as lines of the table."""
    return [
        (kind, ", ".join(f"{count:,} × {status}" for status, count in sorted(statuses.items())))
        for kind, statuses in figures.kinds.items()
    ]


def storm_rows(figures: StormFigures) -> list[tuple[str, str]]:
    """What came of it, as lines of the table."""
    return [
        ("webhooks/s, while on their way", f"{figures.per_s:,.0f} over {figures.connections} connections"),
        ("time to the answer, p50 / p99 / max", str(figures.time_to_answer)),
        ("sent again, where the shop was busy", f"{figures.resent:,}"),
        ("in the last burst", f"{figures.in_burst:,}"),
        ("events of the provider", f"{figures.events:,}"),
        ("charges told out of order", f"{figures.disordered:,}"),
        ("payments", counts_of(figures.payments)),
        ("orders", counts_of(figures.orders)),
        ("late successes", f"{figures.late:,}"),
        ("of them held again / refunded", f"{figures.held_again:,} / {figures.late_refunded:,}"),
        ("charges - refunds / paid orders", str(figures.money)),
        ("seed", str(figures.seed)),
    ]
