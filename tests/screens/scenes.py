"""The list of all scenes."""

from collections.abc import Sequence
from typing import Final

from tests.screens import account, control, line, money, oddities, security, shop
from tests.screens.scene import Scene

SCENES: Final[Sequence[Scene]] = (
    *shop.FRONTS,  # begins with a shop where nothing has been yet, and ends before it is crowded
    *account.FRONTS,
    *oddities.FRONTS,
    *control.SCENES,
    *shop.SCENES,
    *line.SCENES,
    *money.SCENES,
    *account.SCENES,
    *security.SCENES,
    *oddities.SCENES,
)
