"""The real scripts and the real ledger do, step by step, what the plain model says.

`HYPOTHESIS_PROFILE=soak` plays far more examples, and new ones every time.
"""

import pytest

from tests.model.play import World
from tests.model.profiles import chosen, run_machine


@pytest.mark.parametrize("times", [1, pytest.param(5, marks=pytest.mark.release)])
def test_both_stores_do_what_the_model_says(world: World, times: int) -> None:
    run_machine(world, chosen(times))
