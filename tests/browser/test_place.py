"""A ticket's place and chance, reckoned by the page from a sale's figures alone."""

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, WebSocketRoute, expect

from benchmarks.harness.platform import Platform
from tasks.orders.holds import cancel_order
from tests.browser.conftest import NewPage
from tests.browser.people import face, join, slot
from tests.support.polling import eventually
from tests.support.shop import Shop

pytestmark = pytest.mark.browser

IN_PAGE = """async ([verb, asked]) => {
  const place = await import("/static/js/sale/place.js");
  return asked.map(([intent, sale]) => place[verb](intent, sale));
}"""


def reckon(page: Page, verb: str, asked: list[Any]) -> list[Any]:
    told: list[Any] = page.evaluate(IN_PAGE, [verb, asked])
    return told


def standing_by(ticket: int) -> dict[str, Any]:
    return {"status": "standby", "ticket": ticket}


def marks_of(tickets: list[int]) -> list[list[int]]:
    """Marks as `look.lua` sets them."""
    count = len(tickets)
    places = (
        range(1, count + 1)
        if count <= 16
        else [*range(1, 9), *(8 + (count - 8) * part // 8 for part in range(1, 9))]
    )
    return [[tickets[place - 1], place] for place in places]


@pytest.fixture(scope="module")
def page(browser: Browser, platform: Platform) -> Iterator[Page]:
    """A page that reckons for all tests, and remembers nothing."""
    with browser.new_context(base_url=platform.url) as context:
        page = context.new_page()
        page.goto("/")
        yield page


@pytest.mark.parametrize("count", [1, 9, 16, 17, 400])
def test_every_place_on_standby_is_found_from_the_marks(page: Page, count: int) -> None:
    dice = random.Random(count)
    for tickets in (list(range(50, 50 + count)), sorted(dice.sample(range(1, 20 * count + 1), count))):
        sale = {"standby_places": marks_of(tickets)}
        told = reckon(
            page, "placeOf", [[{"status": "standby", "ticket": ticket}, sale] for ticket in tickets]
        )
        is_dense = tickets[-1] - tickets[0] == count - 1
        for place, (ticket, said) in enumerate(zip(tickets, told, strict=True), 1):
            exact = is_dense or place <= 8 or [ticket, place] in sale["standby_places"]
            assert abs(said["place"] - place) <= (0 if exact else count / 8), (ticket, place, said)
            assert not said["isExact"] or said["place"] == place, (ticket, place, said)
            assert said["isExact"] == exact or not said["isExact"]
        assert [said["place"] for said in told] == sorted(said["place"] for said in told)


def test_who_came_to_standby_after_the_snapshot_stands_at_its_end(page: Page) -> None:
    sale = {"standby_places": [[5, 1], [8, 2]]}
    assert reckon(page, "placeOf", [[{"status": "standby", "ticket": 11}, sale]]) == [
        {"place": 3, "isExact": False}
    ]
    none_yet = reckon(page, "placeOf", [[{"status": "standby", "ticket": 11}, {}]])
    assert none_yet == [{"place": None, "isExact": False}]


CHANCES = [  # the sale's available and held, what is asked for, and whether fewer will do
    ((10, 0), 1, False, "sure"),  # three before it may take two each
    ((6, 0), 1, False, "fair"),
    ((0, 4), 1, False, "fair"),
    ((0, 3), 1, False, "slim"),
    ((0, 4), 2, False, "slim"),
    ((0, 1), 2, False, "none"),
    ((0, 1), 2, True, "slim"),
    ((0, 0), 1, False, "none"),
]


@pytest.mark.parametrize(("stock", "quantity", "fewer", "chance"), CHANCES)
def test_a_chance_is_what_the_stock_leaves_those_behind(
    page: Page, stock: tuple[int, int], quantity: int, fewer: bool, chance: str
) -> None:
    figures = {
        "available": stock[0],
        "held": stock[1],
        "standby": 0,
        "now_serving": 0,
        "per_shopper_limit": 2,
    }
    intent = {"status": "queued", "ticket": 4, "quantity": quantity, "accept_fewer": fewer}
    told = reckon(page, "outlookOf", [[intent, figures]])
    assert told == [{"ahead": 3, "obtainable": sum(stock), "chance": chance}]


def test_who_stands_by_goes_before_the_line_and_counts_as_ahead(page: Page) -> None:
    sale = {"available": 0, "held": 9, "standby": 6, "now_serving": 20, "standby_places": [[12, 1], [13, 2]]}
    queued = {"status": "queued", "ticket": 23, "quantity": 1, "accept_fewer": False}
    standing = {"status": "standby", "ticket": 13, "quantity": 1, "accept_fewer": False}
    told = reckon(page, "outlookOf", [[queued, sale], [standing, sale]])
    assert [one["ahead"] for one in told] == [8, 1]


def test_a_shopper_on_standby_sees_place_and_chance_move_by_the_sales_messages_alone(
    shop: Shop, new_page: NewPage
) -> None:
    sale = shop.open_sale(2)
    sale.line_up(shop.shoppers(3))
    eventually(lambda: sale.statuses() == ["held", "held", "standby"])
    asked: list[str] = []
    page = new_page()
    join(page, sale.id)
    expect(page.get_by_role("heading", name="You are standing by")).to_be_visible()
    expect(slot(page, "position")).to_have_text("2")
    page.on("request", lambda request: asked.append(request.url))
    expect(
        face(page, "line").get_by_text("Units that may still be had: 2. Shoppers before you: 1.")
    ).to_be_visible()
    order = sale.orders()[0]
    cancel_order(shop.context, order.user_id, order.id)
    expect(slot(page, "position")).to_have_text("1")
    assert asked == []


def test_an_answer_that_the_verdict_overtook_hides_nothing(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale(1)
    sale.line_up([shop.shopper()])
    eventually(lambda: sale.statuses() == ["held"])
    page, told, answers = new_page(), list[str](), list[tuple[Route, APIResponse]]()

    def cut_at_the_press(socket: WebSocketRoute) -> None:
        """So that it goes by POST; the next socket tells what the answer does not know yet."""
        server = socket.connect_to_server()

        def say(message: str | bytes) -> None:
            if '"type":"intent"' in str(message):
                socket.close()
            else:
                server.send(message)

        def tell(message: str | bytes) -> None:
            told.append(str(message))
            socket.send(message)

        socket.on_message(say)
        server.on_message(tell)

    page.route_web_socket(re.compile("/ws"), cut_at_the_press)
    page.route("**/intents", lambda route: answers.append((route, route.fetch())))
    join(page, sale.id)
    expect(page.get_by_role("heading", name="Getting your ticket…")).to_be_visible()
    # What the browser did is taken in while it is asked something.
    eventually(lambda: page.title() and answers and any('"status":"standby"' in frame for frame in told))
    route, answer = answers[0]
    assert answer.json()["status"] == "queued"
    route.fulfill(response=answer)
    expect(page.get_by_role("heading", name="You are standing by")).to_be_visible()
    expect(slot(page, "position")).to_have_text("1")
