"""Wherever a seed walks among payments, both stores are as the model says, and the sandbox's books agree.

`WALK_SEED=…` takes one walk again, `WALK_SEEDS=…` so many from 1 on.
"""

import os
from functools import partial
from typing import Final

import pytest

from tests.model.planting import caught
from tests.model.play import World
from tests.model.walker import walk

SEEDS: Final = 4


def seeds(most: int) -> list[int]:
    only = os.environ.get("WALK_SEED")
    return [int(only)] if only else list(range(1, int(os.environ.get("WALK_SEEDS", most)) + 1))


@pytest.mark.parametrize("times", [1, pytest.param(5, marks=pytest.mark.release)])
def test_wherever_a_walk_leads_money_and_units_are_as_the_model_says(world: World, times: int) -> None:
    for seed in seeds(times * SEEDS):
        error = caught(partial(walk, world, seed))
        assert error is None, f"Walk it again with WALK_SEED={seed}: {error!r}"
