"""The judgement of a storm: its letters and what became of the money in, findings out. Pure.

What concerns the sale and its money in general is judged by `verify`; here is what concerns webhooks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.storm.letters import FORGED, Kind
from benchmarks.storm.post_office import NO_ANSWER, Posted
from benchmarks.storm.storm_books import History, StoredOutcome
from benchmarks.verify.testimony import Finding, by_check

STORM_CHECKS: Final = {  # each with its words in a report
    "unanswered": "not answered, or by an error of the shop's",
    "genuine_refused": "genuine ones refused",
    "forgeries_not_refused": "forgeries not refused",
    "forgeries_stored": "forgeries stored",
    "not_stored": "genuine ones not stored",
    "outcomes": "the shop and the provider disagree",
    "late": "late successes not resolved exactly once",
    "unsteady": "changed by the last burst",
}
TOO_LATE: Final = "paid_too_late"
HELD_AGAIN: Final = "held_again"
REFUNDED: Final = "late_payment_refunded"
FITTING: Final = {  # what the provider's books say, and what the shop may make of it in the end
    "succeeded": frozenset({"succeeded", "refunded"}),
    "declined": frozenset({"declined"}),
}


@dataclass(frozen=True, slots=True)
class StormEvidence:
    """What was sent and answered, what was stored of it, and what became of every payment and order."""

    posted: tuple[Posted, ...]
    events: frozenset[str]  # the ids of all that the provider had to say
    stored: frozenset[str]  # those of all ids in the storm that the shop stored
    outcomes: tuple[StoredOutcome, ...]
    histories: History
    before_burst: tuple[tuple[StoredOutcome, ...], History]  # when everything had been said


def verify_storm(evidence: StormEvidence) -> dict[str, list[Finding]]:
    """Judge a storm: the findings by check, every check present, empty where all is well."""
    return by_check(STORM_CHECKS, (finding for find in FINDERS for finding in find(evidence)))


def find_wrong_answers(evidence: StormEvidence) -> Iterator[Finding]:
    """An answer that the letter must not get: a refusal of what is genuine, anything else for a forgery."""
    for posted in evidence.posted:
        if posted.is_as_expected:
            continue
        if posted.status == NO_ANSWER or posted.status >= 500:
            check = "unanswered"
        else:
            is_false = posted.letter.kind in {*FORGED, Kind.GARBAGE}
            check = "forgeries_not_refused" if is_false else "genuine_refused"
        yield Finding(check, f"{posted.letter.kind}: {posted.status}", _row(posted))


def find_wrongly_stored(evidence: StormEvidence) -> Iterator[Finding]:
    """A forgery's own id among the stored ones, or a true event that was taken and is not stored."""
    for posted in evidence.posted:
        event_id, kind = posted.letter.event_id, posted.letter.kind
        if event_id is None or event_id in evidence.events:
            continue
        if kind in FORGED and event_id in evidence.stored:
            yield Finding("forgeries_stored", f"{kind}: stored", _row(posted))
    for event_id in sorted(evidence.events - evidence.stored):
        yield Finding("not_stored", "true, taken, and not stored", event_id)


def find_wrong_outcomes(evidence: StormEvidence) -> Iterator[Finding]:
    """A payment of which the shop believes something else than the provider."""
    for outcome in evidence.outcomes:
        if outcome.status not in FITTING.get(outcome.booked or "", ()):
            yield Finding("outcomes", f"{outcome.status}, booked as {outcome.booked}", str(outcome))


def find_unresolved_late(evidence: StormEvidence) -> Iterator[Finding]:
    """A late success that was not exactly once held again or refunded, or whose money did otherwise."""
    statuses: dict[str, list[str]] = {}
    for outcome in evidence.outcomes:
        statuses.setdefault(outcome.order_id, []).append(outcome.status)
    for order_id, history in evidence.histories.items():
        reasons = [reason for _, reason in history]
        if "paid_twice" in reasons:
            yield Finding("late", "a second charge of a paid order", f"{order_id} {history}")
        late, again, back = (reasons.count(one) for one in (TOO_LATE, HELD_AGAIN, REFUNDED))
        if late != again + back or late > 1:
            detail = f"late {late} times, held again {again} times, refunded {back} times"
            yield Finding("late", detail, f"{order_id} {history}")
        kept = statuses.get(order_id, []).count("succeeded")
        if late == 1 and kept != again:
            yield Finding(
                "late", f"held again {again} times, and {kept} charges kept", f"{order_id} {history}"
            )


def find_unsteady(evidence: StormEvidence) -> Iterator[Finding]:
    """Something that the last burst changed, when everything had been said before."""
    outcomes, histories = evidence.before_burst
    for before, after in zip(outcomes, evidence.outcomes, strict=False):
        if before != after:
            yield Finding("unsteady", f"a payment changed from {before.status} to {after.status}", str(after))
    if len(outcomes) != len(evidence.outcomes):
        yield Finding("unsteady", f"{len(evidence.outcomes)} payments, {len(outcomes)} before", "")
    for order_id, history in evidence.histories.items():
        if histories.get(order_id) != history:
            yield Finding("unsteady", "an order changed", f"{order_id} {history}")


def _row(posted: Posted) -> str:
    return f"{posted.letter.event_id} {posted.letter.path} {posted.letter.body[:300]!r}"


FINDERS: Final[tuple[Callable[[StormEvidence], Iterator[Finding]], ...]] = (
    find_wrong_answers,
    find_wrongly_stored,
    find_wrong_outcomes,
    find_unresolved_late,
    find_unsteady,
)
