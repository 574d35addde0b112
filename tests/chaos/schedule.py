"""Plans which fault happens when: a pure function of a seed, so that a run can be repeated."""

import random
from dataclasses import dataclass
from typing import Final

KILLS: Final = (
    *("kill_worker", "kill_web", "kill_web_child", "kill_web_at_webhook"),
    *("kill_background", "kill_payments", "kill_beat"),
)
STORES: Final = ("kill_redis", "stop_postgres")
STALLS: Final = ("stall_worker", "stall_payments", "stall_redis", "stall_postgres")
SICK: Final = ("postgres_read_only", "redis_full", "redis_read_only")
CLOCKS: Final = ("clock_back", "clock_ahead")
POST: Final = ("hold_webhooks", "lose_webhook_answers")
FAULTS: Final = (*KILLS, *STORES, *STALLS, *SICK, *CLOCKS, *POST)
MOVES: Final = ("raise", "lower", "price", "pause", "refund")
KINDS: Final = (*FAULTS, *MOVES)

GAP_S: Final = 1.1  # seconds between two steps, about, where there is time enough
BUSY: Final = 0.95  # of the soak is for steps; the rest lets the last of them begin
STALL_S: Final = (1.0, 5.0)  # seconds that a worker is stopped, or webhooks are held up
STORE_STALL_S: Final = (0.5, 3.0)  # that a store is stopped, full or read-only
SET_BY_S: Final = (60, 3600)  # that a clock is set ahead of the true time, or behind; until it is set again
PAUSE_S: Final = (0.3, 1.5)  # seconds that a sale is paused
MOST_UNITS: Final = 6


@dataclass(frozen=True, slots=True)
class Step:
    """One fault or one move of the admin. `lot` chooses among several processes, or orders."""

    at_s: float
    kind: str
    lot: int = 0
    for_s: float = 0.0
    amount: int = 0  # units more or fewer, the new price, or the seconds that a clock is ahead


def plan_steps(seed: int, seconds: float, kinds: tuple[str, ...] = KINDS) -> tuple[Step, ...]:
    """Plan a soak: round after round of all kinds, each round in another order, at random times.

    However short the soak, every kind comes once.
    """
    dice = random.Random(f"nemesis {seed}")
    rounds = max(1, round(BUSY * seconds / (GAP_S * len(kinds))))
    gap_s = BUSY * seconds / (rounds * len(kinds))
    order = [kind for _ in range(rounds) for kind in dice.sample(kinds, len(kinds))]
    steps = [_step(dice, kind, gap_s * (place + dice.random())) for place, kind in enumerate(order)]
    return tuple(sorted(steps, key=lambda step: step.at_s))


def _step(dice: random.Random, kind: str, at_s: float) -> Step:
    for_s, amount = 0.0, 0
    if kind in {"stall_redis", "stall_postgres", *SICK}:
        for_s = dice.uniform(*STORE_STALL_S)
    elif kind in STALLS or kind in POST:
        for_s = dice.uniform(*STALL_S)
    elif kind in CLOCKS:
        amount = dice.randint(*SET_BY_S) * (-1 if kind == "clock_back" else 1)
    elif kind == "pause":
        for_s = dice.uniform(*PAUSE_S)
    elif kind in {"raise", "lower"}:
        amount = dice.randint(1, MOST_UNITS)
    elif kind == "price":
        amount = dice.randint(500, 5000)
    return Step(at_s, kind, dice.randrange(1 << 16), for_s, amount)
