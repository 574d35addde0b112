"""Owns how long is waited before a provider is asked the same again."""

from datetime import timedelta
from typing import Final

FIRST_S: Final = 3
LONGEST_S: Final = 600


def pause_after(attempts: int) -> timedelta:
    """Say how long to wait after so many questions: three seconds, then twice as long each time."""
    return timedelta(seconds=min(FIRST_S * 2 ** min(max(attempts, 0), 16), LONGEST_S))
