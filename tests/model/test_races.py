"""Wherever one comes between another's steps, or a worker dies, every charge and unit has one owner."""

import pytest

from tests.model.play import World
from tests.model.races import SITUATIONS, Situation, race


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_it_does_not_matter_when(world: World, situation: Situation) -> None:
    assert race(world, situation) > len(("before all", "after all"))


@pytest.mark.release
@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_nor_who_of_the_two_is_interrupted_and_whether_he_dies(
    world: World, situation: Situation, dies: bool
) -> None:
    race(world, situation, is_swapped=True, dies=dies)
    race(world, situation, dies=dies)
