"""Scenes of a place in line: every state that an intent has, and how it ends."""

import re
from collections.abc import Sequence
from typing import Final

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.screens.actors import Actor, Message
from tests.screens.scene import Scene, show_sale
from tests.screens.shop import LONG, lobby_of
from tests.screens.stage import Stage

ONE_AT_A_TIME: Final[Message] = {"admission": {"max_open_holds": 1}}


def _waiting(stage: Stage) -> Page:
    sale = lobby_of(stage)
    for other in stage.others(3):
        other.line_up(sale)
    shopper = stage.shopper()
    shopper.wait_for(shopper.line_up(sale), "waiting")
    return show_sale(shopper, sale, "You are in the lobby")


def _sending(stage: Stage) -> Page:
    shopper = stage.shopper()
    shopper.page.route_web_socket(re.compile("/ws"), _lose_intents)
    shopper.page.route(re.compile("/intents$"), lambda _route: None)  # the answer never comes
    page = show_sale(shopper, stage.sale(), "Get in line")
    page.get_by_role("button", name="Get my ticket").click()
    expect(page.get_by_role("heading", name="Getting your ticket…")).to_be_visible()
    return page


def _lose_intents(socket: WebSocketRoute) -> None:
    server = socket.connect_to_server()
    socket.on_message(lambda said: None if '"intent"' in str(said) else server.send(said))


def _queued(stage: Stage) -> Page:
    shopper, sale = in_line(stage)
    return show_sale(shopper, sale, "You are in line")


def _queued_paused(stage: Stage) -> Page:
    shopper, sale = in_line(stage)
    stage.move(sale, "pause")
    page = show_sale(shopper, sale, "You are in line")
    expect(page.get_by_text("The sale is paused; everybody keeps their place.")).to_be_visible()
    return page


def in_line(stage: Stage) -> tuple[Actor, Message]:
    """A shopper who stands in line behind four, of whom one decides at a time."""
    sale = stage.sale(**LONG, **ONE_AT_A_TIME)
    first, *others = stage.others(5)
    first.hold(sale)
    shopper = stage.shopper()
    for one in (*others, shopper):
        one.line_up(sale)
    return shopper, sale


def _standby(stage: Stage) -> Page:
    shopper, sale, _holders = standing_by(stage)
    return show_sale(shopper, sale, "You are standing by")


def standing_by(stage: Stage) -> tuple[Actor, Message, list[tuple[Actor, Message]]]:
    """A shopper who stands by while two others hold all there is."""
    sale = stage.sale(units=2, **LONG)
    holders = [(other, other.hold(sale)) for other in stage.others(2)]
    shopper = stage.shopper()
    shopper.wait_for(shopper.line_up(sale), "standby")
    return shopper, sale, holders


def _sold_out(stage: Stage) -> Page:
    shopper, sale, holders = standing_by(stage)
    for other, order in holders:
        other.pay(order)
    return show_sale(shopper, sale, "Sold out before your turn")


def _cut_short(stage: Stage) -> Page:
    shopper, sale, _holders = standing_by(stage)
    stage.move(sale, "end")
    return show_sale(shopper, sale, "The sale ended before your turn")


def _rejected(stage: Stage) -> Page:
    shopper, sale, _holders = standing_by(stage)
    stage.move(sale, "cancel")
    return show_sale(shopper, sale, "Not granted")


def _left(stage: Stage) -> Page:
    shopper, sale = in_line(stage)
    page = show_sale(shopper, sale, "You are in line")
    page.get_by_role("button", name="Leave the line").click()
    expect(page.get_by_role("heading", name="You left the line")).to_be_visible()
    return page


def _offline(stage: Stage) -> Page:
    shopper, sale = in_line(stage)
    page = show_sale(shopper, sale, "You are in line")
    shopper.context.set_offline(True)
    expect(page.locator("#link")).to_contain_text("You are offline")
    return page


def _without_socket(stage: Stage) -> Page:
    shopper, sale = in_line(stage)
    shopper.page.route_web_socket(re.compile("/ws"), lambda socket: socket.close())
    return show_sale(shopper, sale, "You are in line", link="Updating slowly")


def _reconnecting(stage: Stage) -> Page:
    shopper, sale = in_line(stage)
    sockets: list[WebSocketRoute] = []

    def connect_once(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        if len(sockets) == 1:
            socket.connect_to_server()
        else:
            socket.close()

    shopper.page.route_web_socket(re.compile("/ws"), connect_once)
    page = show_sale(shopper, sale, "You are in line")
    page.route(re.compile("/api/"), lambda route: route.abort())
    sockets[0].close()
    expect(page.locator("#link")).to_contain_text("Reconnecting")
    return page


SCENES: Final[Sequence[Scene]] = (
    Scene("line-sending", _sending),
    Scene("line-lobby", _waiting),
    Scene("line-queued", _queued),
    Scene("line-paused", _queued_paused),
    Scene("line-standby", _standby, is_main=True),
    Scene("line-sold-out", _sold_out),
    Scene("line-cut-short", _cut_short),
    Scene("line-rejected", _rejected),
    Scene("line-left", _left),
    Scene("line-offline", _offline),
    Scene("line-reconnecting", _reconnecting),
    Scene("line-slow", _without_socket),
)
