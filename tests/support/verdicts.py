"""What tests mean by «got nothing», so that a richer set of verdicts changes one place."""

from typing import Final

from models.enums import IntentStatus

NOTHING: Final = frozenset({IntentStatus.SOLD_OUT, IntentStatus.STANDBY})


def got_nothing(status: str) -> bool:
    """Whether a status means: its turn came, and no units were set aside (now, or for good)."""
    return status in NOTHING


def winners_and_losers(statuses: list[str]) -> tuple[int, int]:
    """Count those who hold units and those who got nothing; anything else fails.

    Raises:
        AssertionError: somebody has neither.
    """
    held = sum(status == IntentStatus.HELD for status in statuses)
    nothing = sum(got_nothing(status) for status in statuses)
    assert held + nothing == len(statuses), statuses
    return held, nothing
