"""Scenes of rare cases that must look right: names and numbers at the bounds of what is allowed."""

from collections.abc import Sequence
from typing import Any, Final

from playwright.sync_api import Page

from tests.screens.actors import Message
from tests.screens.scene import Play, Scene, show, show_sale
from tests.screens.shop import LONG
from tests.screens.stage import Stage

LONG_NAME: Final = (
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverleihungsurkunde, limited anniversary "
    "edition with a certificate, hand-numbered by the maker and signed on the back, in a box of pear wood"
)[:200]
HUGE: Final[Message] = {
    "units": 10_000_000,
    "price": 12_345_678_900,
    "list_price": 99_999_999_900,
    "per_shopper_limit": 10,
}
BARE: Final[Message] = {"description": "", "price": 1_980, "list_price": 1_980, "currency": "JPY"}
PICTURED: Final[Message] = {"image_url": "/static/mark.svg"}


def _held(quantity: int = 1, **settings: Any) -> Play:
    def play(stage: Stage) -> Page:
        sale, shopper = (
            stage.sale(**LONG, **settings),
            stage.shopper("Wolfeschlegelsteinhausenbergerdorff " * 2),
        )
        shopper.hold(sale, quantity)
        return show_sale(shopper, sale, "It is yours!")

    return play


def _ready(**settings: Any) -> Play:
    return lambda stage: show_sale(stage.shopper(), stage.sale(**settings), "Get in line")


def _orders(stage: Stage) -> Page:
    shopper = stage.shopper("Wolfeschlegelsteinhausenbergerdorff " * 2)
    shopper.pay(shopper.hold(stage.sale(LONG_NAME, **LONG)))
    shopper.pay(shopper.hold(stage.sale(**LONG, **HUGE), 10))
    return show(shopper, "/orders", "My orders")


def _receipt(stage: Stage) -> Page:
    shopper = stage.shopper("Wolfeschlegelsteinhausenbergerdorff " * 2)
    order = shopper.pay(shopper.hold(stage.sale(LONG_NAME, **LONG, **HUGE), 10))
    return show(shopper, f"/orders/{order['id']}/receipt", "Receipt")


def _front(stage: Stage) -> Page:
    stage.sale(LONG_NAME, lasts_s=600)
    stage.sale("Moon", lasts_s=700, **HUGE)
    stage.sale("漆器の茶碗", lasts_s=800, **BARE)
    return show(stage.visitor(), "/", "A fair line for things that sell out.")


FRONTS: Final[Sequence[Scene]] = (Scene("odd-front", _front),)
SCENES: Final[Sequence[Scene]] = (
    Scene("odd-name", _ready(name=LONG_NAME)),
    Scene("odd-name-held", _held(name=LONG_NAME)),
    Scene("odd-huge", _ready(**HUGE)),
    Scene("odd-huge-held", _held(10, **HUGE)),
    Scene("odd-bare", _ready(name="漆器の茶碗", **BARE)),
    Scene("odd-picture", _ready(**PICTURED)),
    Scene("odd-orders", _orders),
    Scene("odd-receipt", _receipt),
)
