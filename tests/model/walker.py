"""The seeded walk: the state machine's steps in an order that a seed decides, most of them about money.

Hypothesis draws from all rules alike and repeats what it drew; a walk goes deep where payments are under way.
The same seed takes the same steps again.
"""

import random
from collections.abc import Callable
from typing import Any, Final

from tests.model.machine import SELDOM, SaleMachine
from tests.model.overhearing import METHODS
from tests.model.play import AUDITS_EVERY, World
from tests.model.rules_of_payers import OF_LATE, ON_THE_WAY_HOME, PASSING

STEPS: Final = 36
MOST: Final = 4  # who come first
# Most charges are such as come late, since that is where a till has its depths.
CARDS: Final = (*METHODS, *["sandbox_slow:3600"] * 5, *["sandbox_late_webhook:3600"] * 3)
AT_THE_TILL: Final = ("dies:payment_begun",)
AT_THE_PROVIDER: Final = ("dies:charged", "dies:refunded", "dies:webhook_noted", "dies:refund_asked")
ON_ITS_WAY: Final = tuple(f"dies:{step}" for step in (*ON_THE_WAY_HOME, *OF_LATE))
LOST: Final = tuple(
    f"{what}:{verb}" for what in ("request", "reply") for verb in ("sell", "release", "hold_again")
)
FATES: Final = (*[""] * 20, *AT_THE_TILL, *AT_THE_PROVIDER, *ON_ITS_WAY, *LOST)

Dice = random.Random


def _pick(dice: Dice) -> int:
    return dice.randrange(21)


def _fate(dice: Dice) -> str:
    return dice.choice(FATES)


def _requests(dice: Dice) -> list[tuple[int, int, bool, str]]:
    return [(_pick(dice), dice.choice((1, 1, 2)), dice.random() < 0.3, "") for _ in range(dice.randint(1, 3))]


# A step, how often it is taken, and what it is taken with.
TURNS: Final[tuple[tuple[str, int, Callable[[Dice], tuple[Any, ...]]], ...]] = (
    ("submit", 3, lambda dice: (_requests(dice), "")),
    ("drain", 3, lambda _: ()),
    ("pay", 6, lambda dice: (_pick(dice), dice.choice(CARDS), dice.choice(("", "", "", "p")), _fate(dice))),
    ("pay_what_is_none", 1, lambda dice: (_pick(dice), dice.choice(METHODS), "", "")),
    ("drive", 7, lambda dice: (_pick(dice), _fate(dice))),
    ("hear", 7, lambda dice: (_pick(dice), _fate(dice))),
    ("time_passes", 4, lambda dice: (dice.choice(PASSING), _pick(dice))),
    ("fall_silent", 6, lambda dice: (_pick(dice),)),
    ("ask_back", 2, lambda dice: (_pick(dice), _fate(dice))),
    ("give_back", 3, lambda dice: (_pick(dice), _fate(dice))),
    ("cancel_order", 1, lambda dice: (_pick(dice), _fate(dice))),
    ("expire", 1, lambda dice: ({_pick(dice)},)),
    ("release", 4, lambda dice: (_fate(dice),)),
    ("change_allocation", 1, lambda dice: (dice.randint(-2, 2), dice.choice(("", "", "request", "reply")))),
    ("now_and_then", 2, lambda dice: (dice.choice(SELDOM), _pick(dice), dice.choice(("", "", "reply")))),
)
NEEDS: Final[dict[str, Callable[[SaleMachine], object]]] = {
    "pay": lambda machine: machine.held(),
    "pay_what_is_none": lambda machine: machine.ledger.orders,
    "drive": lambda machine: machine.ledger.payments,
    "hear": lambda machine: machine.ledger.payments,
    "time_passes": lambda machine: machine.ledger.payments,
    "fall_silent": lambda machine: machine.ledger.unfinished(),
    "ask_back": lambda machine: machine.ledger.in_status("paid", "refunded"),
    "give_back": lambda machine: machine.ledger.refunds,
    "cancel_order": lambda machine: machine.ledger.orders,
    "release": lambda machine: any(order.is_unreleased for order in machine.ledger.orders.values()),
    "expire": lambda machine: machine.held(),
}


def walk(world: World, seed: int) -> SaleMachine:
    """Walk from the beginning until everything has come to rest; raises whatever is found wrong."""
    dice = Dice(seed)
    machine = SaleMachine(world)
    machine.open_the_shop(
        units=dice.randint(1, MOST + 2), limit=2, most_holds=0, is_drawn=False, has_lobby=False
    )
    machine.audits_every = AUDITS_EVERY
    machine.submit([(who, 1, False, "") for who in range(dice.randint(1, MOST))], "")
    machine.drain()
    for _ in range(STEPS):
        possible = [turn for turn in TURNS if NEEDS.get(turn[0], bool)(machine)]
        ((name, _, arguments),) = dice.choices(possible, [often for _, often, _ in possible])
        getattr(machine, name)(*arguments(dice))
        machine.both_stores_are_as_the_model_says()
    machine.teardown()
    return machine
