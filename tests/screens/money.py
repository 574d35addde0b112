"""Scenes of an order: every state that it has, its receipt, and the list of all."""

from collections.abc import Sequence
from typing import Final

from playwright.sync_api import Page, expect

from tests.screens.actors import Actor, Message
from tests.screens.scene import Play, Scene, show, show_sale
from tests.screens.shop import LONG
from tests.screens.stage import Stage

LONG_TRANSFER: Final = "sandbox_slow:3000"  # pending for longer than anybody looks


def _held(stage: Stage) -> Page:
    shopper, sale, _order = holding(stage)
    return show_sale(shopper, sale, "It is yours!")


def holding(stage: Stage, **more: object) -> tuple[Actor, Message, Message]:
    """A shopper with a hold."""
    sale = stage.sale(**{**LONG, "per_shopper_limit": 2, **more})
    shopper = stage.shopper()
    return shopper, sale, shopper.hold(sale, quantity=2)


def _declined(stage: Stage) -> Page:
    shopper, sale, order = holding(stage)
    shopper.decline(order)
    page = show_sale(shopper, sale, "It is yours!")
    expect(page.get_by_text("There is not enough money on the card.")).to_be_visible()
    return page


def _paying(stage: Stage) -> Page:
    shopper, sale, order = holding(stage)
    shopper.pay(order, LONG_TRANSFER, until="paying")
    return show_sale(shopper, sale, "Your payment is under way")


def _paid(stage: Stage) -> Page:
    shopper, sale, order = holding(stage)
    shopper.pay(order)
    return show_sale(shopper, sale, "Paid. Thank you!")


def _refunded(stage: Stage) -> Page:
    shopper, sale, _order = _paid_back(stage)
    return show_sale(shopper, sale, "Refunded")


def _paid_back(stage: Stage) -> tuple[Actor, Message, Message]:
    shopper, sale, order = holding(stage)
    shopper.pay(order)
    stage.admin.post(f"/api/v1/orders/{order['id']}/refund", {"reason": "Broken in transport"})
    return shopper, sale, shopper.wait_for_order(order, "refunded")


def _expired(stage: Stage) -> Page:
    shopper, sale, order = holding(stage, hold_seconds=1)
    shopper.wait_for_order(order, "expired")
    return show_sale(shopper, sale, "The hold ran out")


def _cancelled(stage: Stage) -> Page:
    shopper, sale, order = holding(stage)
    shopper.post(f"/api/v1/orders/{order['id']}/cancel")
    return show_sale(shopper, sale, "Order cancelled")


def _order(until: str) -> Play:
    def play(stage: Stage) -> Page:
        shopper, sale, order = holding(stage)
        if until != "held":
            shopper.decline(order)
            shopper.pay(order, "sandbox_ok" if until == "paid" else LONG_TRANSFER, until=until)
        return show(shopper, f"/orders/{order['id']}", sale["product"]["name"])

    return play


def _receipt(stage: Stage) -> Page:
    shopper, _sale, order = holding(stage)
    shopper.pay(order)
    return show(shopper, f"/orders/{order['id']}/receipt", "Receipt")


def _receipt_refunded(stage: Stage) -> Page:
    shopper, _sale, order = _paid_back(stage)
    return show(shopper, f"/orders/{order['id']}/receipt", "Receipt")


def _orders(stage: Stage) -> Page:
    shopper, _sale, order = _paid_back(stage)
    expiring = shopper.hold(stage.sale("Enamel mug", price=900, list_price=1_900, hold_seconds=1))
    shopper.wait_for_order(expiring, "expired")
    given_up = shopper.hold(stage.sale("Kanso tea set", price=6_400, list_price=6_400))
    shopper.post(f"/api/v1/orders/{given_up['id']}/cancel")
    shopper.pay(shopper.hold(stage.sale("Walnut radio", price=19_900, list_price=29_900)))
    transfer = shopper.hold(stage.sale("Field notebook", price=1_200, list_price=1_800))
    shopper.pay(transfer, LONG_TRANSFER, until="paying")
    shopper.hold(stage.sale("Lumen desk lamp", price=4_900, list_price=8_900, **LONG))
    assert shopper.get(f"/api/v1/orders/{order['id']}")["status"] == "refunded"
    page = show(shopper, "/orders", "My orders")
    page.locator("summary").first.click()
    return page


SCENES: Final[Sequence[Scene]] = (
    Scene("order-held", _held),
    Scene("order-declined", _declined),
    Scene("order-paying", _paying),
    Scene("order-paid", _paid),
    Scene("order-refunded", _refunded),
    Scene("order-expired", _expired),
    Scene("order-cancelled", _cancelled),
    Scene("order-page", _order("paid")),
    Scene("order-page-held", _order("held")),
    Scene("order-page-paying", _order("paying")),
    Scene("receipt", _receipt),
    Scene("receipt-refunded", _receipt_refunded),
    Scene("orders", _orders),
)
