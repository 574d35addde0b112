"""Measures how long shoppers waited for their verdicts: from the acceptance to the moment they are told."""

from collections import defaultdict
from collections.abc import Sequence

from models.live.records import Claim, Decision
from tasks.runtime.measures import CLAIMS, VERDICT, Measures


def note_verdicts(measures: Measures, claim: Claim, decided: Sequence[Decision]) -> None:
    """Note what a claim decided that was settled just now, each verdict with its time by Redis' clock.

    Who waited in a lobby waited from the press on, and who stood by hears twice.
    """
    now_ms = max(measures.redis_ms() or 0, claim.decided_ms)
    waited: dict[str, list[float]] = defaultdict(list)
    for one in decided:
        waited[one.outcome].append(max(now_ms - one.submitted_ms, 0) / 1000)
    for outcome, seconds in waited.items():
        measures.observe(VERDICT, outcome, seconds)
    measures.count(CLAIMS, "settled")
