"""In whatever order the workers take their steps, and whichever of them dies, the guarantees hold.

`INTERLEAVER_SEED=…` plays one seed again, `INTERLEAVER_SEEDS=…` so many from 1 on.
"""

import os
from functools import partial
from typing import Final

import pytest

from tests.model.interleaver import Interleaver
from tests.model.interleaver_money import MoneyInterleaver
from tests.model.planting import caught
from tests.model.play import World
from tests.model.playing import play

SEEDS: Final = {Interleaver: 7, MoneyInterleaver: 5}  # of the line alone, and with a till


def seeds(most: int) -> list[int]:
    only = os.environ.get("INTERLEAVER_SEED")
    return [int(only)] if only else list(range(1, int(os.environ.get("INTERLEAVER_SEEDS", most)) + 1))


@pytest.mark.parametrize("times", [1, pytest.param(12, marks=pytest.mark.release)])
@pytest.mark.parametrize("player", SEEDS)
def test_no_order_of_steps_breaks_a_promise(world: World, player: type[Interleaver], times: int) -> None:
    for seed in seeds(times * SEEDS[player]):
        error = caught(partial(play, world, seed, player))
        assert error is None, f"Play it again with INTERLEAVER_SEED={seed}: {error!r}"
