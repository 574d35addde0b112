"""Fixtures for the script tests: a line on a real Redis, without a ledger."""

import pytest

from models.live.store import Live
from tests.lua.line import Line


@pytest.fixture
def line(live: Live) -> Line:
    """An open sale's line with 10 units and a limit of 1."""
    return Line(live)
