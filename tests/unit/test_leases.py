"""Pauses between tries: doubled each time up to the longest, the same in Python and in SQL."""

from datetime import timedelta

import pytest

from models.leases import Backoff


@pytest.mark.parametrize(
    ("times", "pause_s"), [(-1, 3), (0, 3), (1, 6), (4, 48), (7, 384), (8, 600), (99, 600)]
)
def test_pauses_double_up_to_the_longest(times: int, pause_s: int) -> None:
    assert Backoff(first_s=3, longest_s=600).after(times) == timedelta(seconds=pause_s)
