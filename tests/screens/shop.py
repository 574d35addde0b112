"""Scenes of the front page, and of a sale's page for visitors who stand in no line."""

from collections.abc import Sequence
from typing import Final

from playwright.sync_api import Page, expect

from tests.screens.actors import Message
from tests.screens.scene import Play, Scene, show, show_sale
from tests.screens.stage import HOUR_S, Stage

FRONT: Final = "A fair line for things that sell out."
LONG: Final[Message] = {"hold_seconds": 3600}


def _nothing(stage: Stage) -> Page:
    return show(stage.visitor(), "/", "No sale is planned")


def _only_coming(stage: Stage) -> Page:
    stage.sale("Trail runner, second edition", price=9_900, list_price=13_900, opens_in_s=30 * HOUR_S)
    page = show(stage.visitor(), "/", FRONT)
    expect(page.get_by_text("Nothing is on at the moment.")).to_be_visible()
    return page


def _front(stage: Stage) -> Page:
    _fill(stage)
    page = show(stage.visitor(), "/", FRONT)
    expect(page.get_by_role("heading", name="Past sales")).to_be_visible()
    return page


def _fill(stage: Stage) -> None:
    """Put on sale what a shop of some weeks has: running, coming and past."""
    headphones = stage.sale(units=120, **LONG)
    for other in stage.others(6):
        other.pay(other.hold(headphones))
    lamp = stage.sale("Lumen desk lamp", units=6, price=4_900, list_price=8_900, **LONG)
    for other in stage.others(6):
        other.hold(lamp)
    stage.move(stage.sale("Kanso tea set", price=6_400, list_price=6_400, **LONG), "pause")
    stage.sale("Field notebook", price=1_200, list_price=1_800, opens_in_s=3 * HOUR_S)
    mug = stage.sale("Enamel mug", units=3, price=900, list_price=1_900, **LONG)
    for other in stage.others(3):
        other.pay(other.hold(mug))
    stage.move(mug, "end")
    stage.move(stage.sale("Walnut radio", price=19_900, list_price=29_900), "cancel")


def _stranger(stage: Stage) -> Page:
    return show_sale(stage.visitor(), stage.sale(), "Get in line")


def _ready(stage: Stage) -> Page:
    return show_sale(stage.shopper(), stage.sale(), "Get in line")


def _up_to_ten(stage: Stage) -> Page:
    sale = stage.sale("Field notebook", price=1_200, list_price=1_800, per_shopper_limit=10)
    page = show_sale(stage.shopper(), sale, "Get in line")
    page.get_by_label("Quantity").fill("10")
    expect(page.locator("[data-slot=request_total]")).to_have_text("$120.00")
    return page


def _taken(stage: Stage) -> Page:
    sale = stage.sale(units=1, **LONG)
    stage.others(1)[0].hold(sale)
    page = show_sale(stage.shopper(), sale, "Get in line")
    expect(page.get_by_text("Everything is taken right now.")).to_be_visible()
    return page


def _coming(stage: Stage) -> Page:
    sale = stage.sale(opens_in_s=2 * HOUR_S, lobby_opens_at=stage.moment(HOUR_S).isoformat())
    return show_sale(stage.shopper(), sale, "Not open yet")


def _lobby(stage: Stage) -> Page:
    return show_sale(stage.shopper(), lobby_of(stage), "Get in line")


def lobby_of(stage: Stage, order: str = "draw") -> Message:
    """A sale whose lobby is open."""
    opened_at = stage.moment(-60).isoformat()
    return stage.sale(opens_in_s=HOUR_S, lobby_opens_at=opened_at, admission={"order": order})


def _moved(verb: str, heading: str) -> Play:
    def play(stage: Stage) -> Page:
        sale = stage.sale()
        stage.move(sale, verb)
        return show_sale(stage.shopper(), sale, heading)

    return play


FRONTS: Final[Sequence[Scene]] = (
    Scene("front-empty", _nothing),
    Scene("front-coming", _only_coming),
    Scene("front", _front),
)
SCENES: Final[Sequence[Scene]] = (
    Scene("sale-stranger", _stranger, is_main=True),
    Scene("sale-ready", _ready),
    Scene("sale-ten", _up_to_ten),
    Scene("sale-taken", _taken),
    Scene("sale-coming", _coming),
    Scene("sale-lobby", _lobby),
    Scene("sale-paused", _moved("pause", "Paused for a moment")),
    Scene("sale-over", _moved("end", "This sale is over")),
    Scene("sale-cancelled", _moved("cancel", "This sale was cancelled")),
)
