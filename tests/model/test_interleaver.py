"""Whatever the order of the workers' steps, and whoever dies between them, the promises are kept.

`INTERLEAVER_SEED=…` plays one seed again, `INTERLEAVER_SEEDS=…` so many from 1 on.
"""

import os
from functools import partial
from typing import Final

from tests.model.planting import caught
from tests.model.play import World
from tests.model.playing import play

SEEDS: Final = 150


def seeds() -> list[int]:
    only = os.environ.get("INTERLEAVER_SEED")
    return [int(only)] if only else list(range(1, int(os.environ.get("INTERLEAVER_SEEDS", SEEDS)) + 1))


def test_no_order_of_steps_breaks_a_promise(world: World) -> None:
    for seed in seeds():
        error = caught(partial(play, world, seed))
        assert error is None, f"Play it again with INTERLEAVER_SEED={seed}: {error!r}"
