"""Owns the scenes of the control room."""

from collections.abc import Sequence
from typing import Final

from tests.screens.scene import Scene, show


def _room(name: str, path: str, heading: str, *, is_main: bool = False) -> Scene:
    """A page of the control room as the admin sees it, after all that went on in earlier scenes."""
    return Scene(f"admin-{name}", lambda stage: show(stage.inside(), path, heading), is_main)


SCENES: Final[Sequence[Scene]] = (_room("sales", "/admin", "Sales", is_main=True),)
