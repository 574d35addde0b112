"""Samples every moving sale once a second, and computes how fast it moves."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from models.errors import LineRefused
from models.live.pulse import Sample
from models.messages import Message, rfc3339_ms
from tasks.context import Context

log: Final = structlog.get_logger()

MOST_SALES: Final = 100  # at most, that are sampled
RATE_MS: Final = 5_000  # over which the present rates are computed
FIGURES: Final = ("available", "held", "sold", "waiting", "standby")


def take_pulses(context: Context, sale_ids: Sequence[UUID]) -> int:
    """Take this second's missing samples of these sales; returns how many.

    One that fails is left out: the next sale's Redis may accept writes.
    """
    taken = 0
    for sale_id in sale_ids[:MOST_SALES]:
        try:
            taken += context.live.pulse.take(sale_id)
        except LineRefused as error:
            log.debug("pulse_not_taken", sale_id=str(sale_id), error=str(error))
        except RedisError:
            log.exception("pulse_not_taken", sale_id=str(sale_id))
    return taken


def rate(earlier: Sample, later: Sample, field: str) -> float:
    """Return how much a counter grew per second; 0 if it was reset, or no time went by."""
    elapsed_ms = later.at_ms - earlier.at_ms
    grown: int = getattr(later, field) - getattr(earlier, field)
    return round(grown * 1000 / elapsed_ms, 1) if elapsed_ms > 0 and grown > 0 else 0.0


def rates_now(samples: Sequence[Sample], now_ms: int) -> Message:
    """Return the rates of the last seconds; they are 0 if nothing was sampled lately."""
    recent = [one for one in samples if one.at_ms > now_ms - RATE_MS - 1_000]
    first, last = (recent[0], recent[-1]) if recent else (None, None)
    return {
        "intents_per_second": rate(first, last, "last_ticket") if first and last else 0.0,
        "decisions_per_second": rate(first, last, "now_serving") if first and last else 0.0,
        "over_seconds": RATE_MS // 1_000,
    }


def series(samples: Sequence[Sample], since_ms: int = 0) -> Message:
    """Return samples after a time as columns, each with its rates since the sample before."""
    pairs = [(earlier, later) for earlier, later in pairwise(samples) if later.at_ms > since_ms]
    columns: Message = {
        "at": [rfc3339_ms(later.at_ms) for _, later in pairs],
        "intents_per_second": [rate(*pair, "last_ticket") for pair in pairs],
        "decisions_per_second": [rate(*pair, "now_serving") for pair in pairs],
    }
    return columns | {name: [getattr(later, name) for _, later in pairs] for name in FIGURES}
