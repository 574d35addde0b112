"""Draws what the shoppers of a round will do from the seed, so that a run can be repeated."""

import random
from dataclasses import dataclass
from typing import Final

ENDS: Final = ("expire", "cancel", "pay")
ENDS_WEIGHTS: Final = (20, 20, 60)
# The sandbox's methods and their weights. Patience lasts 3 s and a hold 5 s: what takes longer comes late.
METHODS: Final = {
    "sandbox_ok": 6,
    "sandbox_decline": 2,
    "sandbox_insufficient_funds": 1,
    "sandbox_timeout": 2,
    "sandbox_timeout_charged": 2,
    "sandbox_slow:2": 2,
    "sandbox_slow:6": 4,
    "sandbox_slow_decline:2": 1,
    "sandbox_slow_decline:5": 1,
    "sandbox_duplicate": 2,
    "sandbox_disorder": 2,
    "sandbox_late_webhook:2": 1,
    "sandbox_late_webhook:5": 3,
    "sandbox_no_webhook": 2,
    "sandbox_refund_slow:2": 2,
    "sandbox_refund_fails": 1,
}


@dataclass(frozen=True, slots=True)
class Errand:
    """One purchase that a shopper is to make. Times are in seconds."""

    key: str
    start_s: float  # after the round's beginning, or after the purchase before
    quantity: int
    accept_fewer: bool
    is_twin: bool  # submits twice at the same instant, under one key
    asks_again: bool  # submits once more under the same key after the answer
    hangs_up_s: float | None  # drops the first try's connection after so long
    gives_up: bool  # does not try again after a try that brought nothing
    leaves_s: float | None  # gives its place up after so long
    end: str  # what becomes of a hold
    end_s: float  # how long after the hold
    methods: tuple[str, ...]  # how it is paid, one after the other while it is declined
    pays_twice: bool  # by two requests at the same instant, under two keys


def draw_errands(seed: int, round_number: int, shopper: int, round_s: float) -> tuple[Errand, ...]:
    """Draw one to two purchases of a shopper."""
    dice = random.Random(f"errand {seed} {round_number} {shopper}")
    first = _draw(dice, 0.55 * round_s)
    if dice.random() < 0.6:
        return (first,)
    return first, _draw(dice, 1.0)


def _draw(dice: random.Random, spread_s: float) -> Errand:
    quantity = 1 if dice.random() < 0.8 else 2
    return Errand(
        key=f"{dice.getrandbits(128):032x}",
        start_s=dice.uniform(0, spread_s),
        quantity=quantity,
        accept_fewer=quantity > 1 and dice.random() < 0.5,
        is_twin=dice.random() < 0.15,
        asks_again=dice.random() < 0.2,
        hangs_up_s=dice.uniform(0.0, 0.03) if dice.random() < 0.15 else None,
        gives_up=dice.random() < 0.4,
        leaves_s=dice.uniform(0.0, 3.0) if dice.random() < 0.2 else None,
        end=dice.choices(ENDS, ENDS_WEIGHTS)[0],
        end_s=dice.uniform(0.0, 1.5),
        methods=tuple(dice.choices(list(METHODS), list(METHODS.values()), k=2)),
        pays_twice=dice.random() < 0.2,
    )
