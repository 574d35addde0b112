"""Simulates a sale whose allocation is split over several lines, and counts whom that treats unfairly.

    python -m benchmarks.single.sharded_allocation [--people 200000] [--units 10000] [--rounds 5]

In one line, units are offered to those who came first. With N lines, each on a Redis of its own with a part
of the allocation, somebody may get nothing while somebody who came later is offered a unit in another line.
People choose a line at random. A tenth of the holds end unpaid, and their units are offered again. Lines may
lend: every so often free units are gathered and given to the lines in which the oldest wait, and the rest is
shared out. Time is counted in arrivals: at 100,000 a second, 1,000 of them are 10 ms. It starts nothing. What
the figures mean stands in docs/scaling.md.
"""

import argparse
import random
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

SEED: Final = 5
NOT_PAID: Final = 0.1  # of the holds
ENDS_AFTER: Final = 50_000  # arrivals until such a hold ends


@dataclass(frozen=True, slots=True)
class Plan:
    """How a sale is split.

    `uneven`: the busiest line has so much more than its share of the people, the quietest so much less.
    `lends_every`: arrivals from one lending to the next; 0: never.
    """

    lines: int
    uneven: float = 0.0
    lends_every: int = 0


PLANS: Final = (
    Plan(1),
    *(Plan(lines, uneven) for lines in (2, 4, 16, 64) for uneven in (0.0, 0.2)),
    *(Plan(lines, 0.2, every) for lines in (4, 16) for every in (10_000, 1_000, 100)),
)


@dataclass(slots=True)
class Split:
    """The lines of a sale in the middle of it. People are numbered as they came."""

    free: list[int]
    waiting: list[deque[int]]
    ending: deque[tuple[int, int]] = field(default_factory=deque)  # when a hold ends, and of which line
    offered: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a sale.

    `instead`: who would have been offered a unit in one line, and was not; as many others were, instead.
    `passed_over`: who was offered none though somebody later was. `unsold`: units left while people waited.
    """

    instead: int
    passed_over: int
    unsold: int


def play(plan: Plan, people: int, units: int, chance: random.Random) -> Outcome:
    """Play a sale from the first arrival until the last hold has ended."""
    lines = range(plan.lines)
    split = Split([units // plan.lines + (n < units % plan.lines) for n in lines], [deque() for _ in lines])
    weights = [1 + plan.uneven * (2 * (n + 0.5) / plan.lines - 1) for n in lines]
    chosen = chance.choices(lines, weights, k=people)
    now = 0
    while now < people or split.ending:
        while split.ending and split.ending[0][0] <= now:
            split.free[split.ending.popleft()[1]] += 1
        if now < people:
            split.waiting[chosen[now]].append(now)
        if plan.lends_every and now % plan.lends_every == 0:
            lend(split)
        for line in (chosen[now],) if now < people else lines:
            offer(split, line, now, chance)
        now += 1
    return judge(split)


def offer(split: Split, line: int, now: int, chance: random.Random) -> None:
    """Offer a line's free units to those who wait in it, as they came."""
    while split.free[line] and split.waiting[line]:
        split.free[line] -= 1
        split.offered.append(split.waiting[line].popleft())
        if chance.random() < NOT_PAID:
            split.ending.append((now + ENDS_AFTER, line))


def lend(split: Split) -> None:
    """Give all free units to the lines in which the oldest wait; share the rest out evenly."""
    lines = range(len(split.free))
    total = sum(split.free)
    oldest = sorted((one, line) for line in lines for one in list(split.waiting[line])[:total])[:total]
    rest, odd = divmod(total - len(oldest), len(lines))
    split.free = [rest + (line < odd) for line in lines]
    for _, line in oldest:
        split.free[line] += 1


def judge(split: Split) -> Outcome:
    """Compare who was offered a unit with who would have been in one line."""
    offered = set(split.offered)
    instead = sum(one >= len(offered) for one in offered)
    passed_over = max(offered) + 1 - len(offered)
    waits = any(split.waiting)
    return Outcome(instead, passed_over, sum(split.free) if waits else 0)


def main(words: Sequence[str]) -> int:
    """Play every plan some times, and print the medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.single.sharded_allocation")
    for name, default in (("people", 200_000), ("units", 10_000), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args(words)
    table = Table("lines", "uneven", "lends every", "others instead", "passed over", "unsold")
    for plan in PLANS:
        played = [
            play(plan, asked.people, asked.units, random.Random(SEED + turn)) for turn in range(asked.rounds)
        ]
        middle = [median(getattr(one, name) for one in played) for name in Outcome.__slots__]
        every = f"{plan.lends_every:,}" if plan.lends_every else "never"
        table.add_row(str(plan.lines), f"{plan.uneven:.0%}", every, *(f"{one:,.0f}" for one in middle))
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
