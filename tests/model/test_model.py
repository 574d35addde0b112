"""The real scripts and the real ledger do, step by step, what the plain model says.

`HYPOTHESIS_PROFILE=soak` plays far more examples, and new ones every time.
"""

from tests.model.play import World
from tests.model.profiles import chosen, run_machine


def test_both_stores_do_what_the_model_says(world: World) -> None:
    run_machine(world, chosen())
