"""Wherever one comes between another's steps, or a worker dies, every charge and unit has one owner.

`RACES=deep` has the one who was interrupted die there besides.
"""

import os

import pytest

from tests.model.play import World
from tests.model.races import SITUATIONS, Situation, race


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_it_does_not_matter_when(world: World, situation: Situation) -> None:
    deep = os.environ.get("RACES") == "deep"
    assert race(world, situation, also_dying=deep) > len(("before all", "after all"))
