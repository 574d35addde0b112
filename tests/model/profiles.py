"""How long the state machine runs: briefly and always the same way, or long and always differently.

A brief run shows the steps that failed as they were drawn; `shrink` makes them few, which takes minutes.
"""

import os
from typing import Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import SaleMachine
from tests.model.play import AUDITS_EVERY, World

BRIEF: Final = settings(
    max_examples=10,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)
SHRINKING: Final = settings(BRIEF, phases=[Phase.generate, Phase.shrink])
settings.register_profile("brief", BRIEF)
settings.register_profile("shrink", SHRINKING)
settings.register_profile(
    "soak", settings(SHRINKING, max_examples=5_000, stateful_step_count=80, derandomize=False)
)


def chosen(times: int) -> settings:
    """The profile that `HYPOTHESIS_PROFILE` names, `brief` unless it does, so many times as long."""
    profile = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "brief"))
    return settings(profile, max_examples=times * profile.max_examples)


def run_machine(world: World, profile: settings) -> None:
    """Play examples until one fails, or all are played."""

    def machine() -> SaleMachine:
        made = SaleMachine(world)
        made.audits_every = AUDITS_EVERY
        return made

    run_state_machine_as_test(machine, settings=profile)  # type: ignore[arg-type]
