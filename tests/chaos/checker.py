"""Judges a soak: takes a history and the stored truth, returns findings. Pure; does no I/O.

A platform that keeps its promises yields no finding. Every check is held by a test that plants its fault.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks.verify.testimony import Finding, by_check
from tests.chaos.check_line import (
    find_overtaken,
    find_passed_by_late_payers,
    find_passed_over,
)
from tests.chaos.check_money import (
    find_bad_charges,
    find_bad_late_charges,
    find_bad_receipts,
    find_bad_sums,
    find_lost_webhooks,
    find_unpaid,
)
from tests.chaos.check_queue import count_recovered, find_unexpected, find_unfindable
from tests.chaos.check_stock import find_oversold, find_unbalanced, find_units_astray, find_wrong_allocation
from tests.chaos.check_told import (
    find_bad_answers,
    find_orders_told_otherwise,
    find_taken_back,
    find_verdicts_taken_back,
)
from tests.chaos.common import find_common
from tests.chaos.history import OK
from tests.chaos.order_ways import CAME_LATE, HELD_AGAIN, WENT_BACK, reasons_of
from tests.chaos.story import Story
from tests.chaos.truth import Truth

CHECKS: Final = {
    "lost": "accepted and lost",
    "duplicated": "doubled intents",
    "unexpected": "intents out of nowhere",
    "refused_in_line": "refused by 503, yet in line",
    "fifo": "tickets out of order",
    "overtaken": "tickets overtaken",
    "bank": "snapshots that do not add up",
    "oversold": "oversold",
    "allocation": "allocation is not what was asked for",
    "units_home": "units not home, or twice",
    "verdicts": "verdicts doubled or taken back",
    "orders": "orders without intent, or doubled",
    "told_not_stored": "told is not stored",
    "taken_back": "news of orders taken back",
    "charges": "charges for nothing, or unknown",
    "unpaid": "paid without a charge, or twice",
    "late": "late charges not settled once",
    "sums": "sums of money that do not add up",
    "receipts": "receipts missing, or with gaps",
    "webhooks": "webhooks taken and lost",
    "liveness": "not decided, paid or quiet in time",
    "audit": "the shop's own audit",
    "bad_answers": "answers that nobody foresaw",
}


def judge(story: Story, truth: Truth) -> dict[str, list[Finding]]:
    """Judge a soak: the findings by check, every check present, empty where all is well."""
    return by_check(CHECKS, (finding for find in FINDERS for finding in find(story, truth)))


def find_stuck(_story: Story, truth: Truth) -> Iterator[Finding]:
    """After the healing all that was accepted is decided, all money settled, and all at rest, in time."""
    if truth.all_decided_s is None:
        detail = f"{truth.undecided_late} of {truth.undecided_at_heal} accepted intents are undecided"
        yield Finding("liveness", detail, "at the deadline")
    if truth.money_settled_s is None:
        yield Finding("liveness", "payments, refunds or units are still on their way", "at the deadline")
    if truth.quiet_s is None:
        yield Finding("liveness", "the stores did not come to rest", "at the deadline")


FINDERS: Final[tuple[Callable[[Story, Truth], Iterator[Finding]], ...]] = (
    find_common,
    find_unfindable,
    find_unexpected,
    find_overtaken,
    find_passed_over,
    find_passed_by_late_payers,
    find_unbalanced,
    find_oversold,
    find_wrong_allocation,
    find_units_astray,
    find_verdicts_taken_back,
    find_orders_told_otherwise,
    find_taken_back,
    find_bad_charges,
    find_unpaid,
    find_bad_late_charges,
    find_bad_sums,
    find_bad_receipts,
    find_lost_webhooks,
    find_stuck,
    find_bad_answers,
)


def count_figures(story: Story, truth: Truth) -> dict[str, Any]:
    """Count what took place."""
    faults = [event.value for event in story.events if event.what == "fault"]
    kinds = Counter(value["kind"] for value in faults if value.get("signal") != "SIGCONT")
    missed = sum(1 for value in faults if value.get("hit") is False)
    answers = Counter(event.value["code"] for event in story.events if "code" in event.value)
    intents = [row for sale in truth.sales.values() for row in sale.intents]
    orders = [row for sale in truth.sales.values() for row in sale.orders]
    return {
        "sales": len(truth.sales),
        "operations": len({event.op for event in story.events}),
        "requests": len(story.requests),
        "accepted": sum(1 for request in story.requests if request.accepted),
        "refused": sum(1 for request in story.requests if request.is_refused),
        "unsure": sum(1 for request in story.requests if not request.accepted and request.unsure),
        "recovered": count_recovered(story, truth),
        "stored": len(intents),
        "verdicts": dict(Counter(row["status"] for row in intents)),
        "orders": dict(Counter(row["status"] for row in orders)),
        **_count_money(story, truth),
        "snapshots": sum(1 for event in story.events if event.what == "snapshot" and event.type == OK),
        "words": sum(len(words) for words in story.words.values()),
        "faults": dict(kinds),
        "faults_without_target": missed,
        "other_answers": dict(answers),
        "undecided_at_heal": truth.undecided_at_heal,
        "undecided_after_15_s": truth.undecided_late,
        "all_decided_s": truth.all_decided_s,
        "money_settled_s": truth.money_settled_s,
        "quiet_s": truth.quiet_s,
    }


def _count_money(story: Story, truth: Truth) -> dict[str, Any]:
    money = truth.money
    reasons = Counter(
        reason for sale in truth.sales.values() for order in sale.orders for reason in reasons_of(order)
    )
    posted = [event.value for event in story.events if event.what == "webhook"]
    return {
        "payments": dict(Counter(row["status"] for row in money.payments)),
        "methods": dict(Counter(row["method"] for row in money.payments)),
        "charges": dict(Counter(row["state"] for row in money.charges)),
        "refunds": dict(Counter(f"{row['cause']} {row['status']}" for row in money.refunds)),
        "late_charges": {reason: reasons[reason] for reason in (*sorted(CAME_LATE | WENT_BACK), HELD_AGAIN)},
        "receipts": len(money.receipts),
        "webhooks": dict(Counter(_fate_of(value) for value in posted)),
    }


def _fate_of(value: dict[str, Any]) -> str:
    """Name what became of a webhook on its way."""
    if value.get("held"):
        return "held up"
    answer = "unanswered" if value["answer"] == 0 else str(value["answer"])
    return f"{answer} (lost)" if value.get("lost") and value["answer"] else answer
