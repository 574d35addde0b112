"""A press goes by the socket, or by POST with the same key where that fails: it counts once either way."""

import json
import re
from typing import Any, Final, cast

import pytest
from playwright.sync_api import Page, Request, WebSocketRoute, expect

from tests.browser.conftest import NewPage
from tests.browser.people import come, face, register, slot
from tests.support.polling import eventually
from tests.support.shop import Shop

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("held_worker")]

SOCKETS: Final = re.compile("/ws")
MOMENTS = """async (asked) => {
  const { momentOf } = await import("/static/js/common/renewal.js");
  return asked.map((one) => momentOf(...one));
}"""
MINUTE: Final = 60_000


class Presses:
    """What left a page: its POSTs of intents with their keys, and what its socket was asked."""

    def __init__(self, page: Page, *, is_cut: bool = False, first_lives_s: int | None = None) -> None:
        self.posted: list[tuple[str, str]] = []
        self.said: list[dict[str, Any]] = []
        self.named: list[str] = []  # the addresses of its sockets
        self._is_cut = is_cut
        self._first_lives_s = first_lives_s  # what the page is made to believe of its log-in
        page.on("request", self._note)
        page.route_web_socket(SOCKETS, self._pass_on)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [said for said in self.said if said["type"] == kind]

    def _note(self, request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/intents"):
            self.posted.append((request.headers["idempotency-key"], request.post_data or ""))

    def _pass_on(self, socket: WebSocketRoute) -> None:
        """Pass everything on, but for the answer to an intent where the socket is cut before that comes."""
        server = socket.connect_to_server()
        self.named.append(socket.url)

        def say(message: str | bytes) -> None:
            self.said.append(json.loads(message))
            server.send(message)

        def tell(message: str | bytes) -> None:
            told = json.loads(message)
            if self._is_cut and told.get("reply_to"):
                self._is_cut = False
                socket.close()
                return
            if self._first_lives_s is not None and told["type"] == "ready":
                told["expires_in"], self._first_lives_s = self._first_lives_s, None
            socket.send(json.dumps(told))

        socket.on_message(say)
        server.on_message(tell)


@pytest.mark.parametrize("is_cut", [False, True], ids=["socket up", "socket cut before the answer"])
def test_a_press_goes_by_socket_and_counts_once_though_the_answer_is_lost(
    shop: Shop, new_page: NewPage, is_cut: bool
) -> None:
    sale, page = shop.open_sale(limit=3), new_page()
    presses = Presses(page, is_cut=is_cut)
    register(page, f"/sales/{sale.id}")
    expect(page.locator("#link")).to_have_text("Live")
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Get my ticket").click()
    expect(slot(page, "ticket")).to_have_text("1")
    (asked,) = presses.of("intent")
    assert (asked["sale_id"], asked["quantity"]) == (str(sale.id), 2)
    assert presses.posted == ([(asked["key"], '{"quantity":2}')] if is_cut else [])
    assert presses.named[-1].endswith(f"/ws?sale={sale.id}&standing=1")
    assert presses.of("subscribe") == []  # it came with the address
    assert sale.look().number("last_ticket") == 1


def test_nobody_presses_in_the_name_of_whom_the_page_does_not_show(shop: Shop, new_page: NewPage) -> None:
    sale, page = shop.open_sale(), new_page()
    register(page, f"/sales/{sale.id}")
    expect(page.locator("#link")).to_have_text("Live")
    other = new_page()
    come(other, "/orders")
    state = other.context.storage_state()
    page.context.add_cookies(cast(Any, state["cookies"]))  # as by another tab of the same browser
    with page.expect_navigation():
        page.get_by_role("button", name="Get my ticket").click()
    expect(face(page, "buy")).to_be_visible()
    assert sale.look().number("last_ticket") == 0
    page.get_by_role("button", name="Get my ticket").click()
    expect(slot(page, "ticket")).to_have_text("1")


def test_one_tab_renews_the_log_in_ahead_and_the_sockets_of_all_go_on(shop: Shop, new_page: NewPage) -> None:
    sale, page = shop.open_sale(), new_page()
    register(page, "/orders")
    tabs = [page, page.context.new_page()]
    renewed: list[str] = []
    page.context.on("request", lambda one: renewed.append(one.url) if one.url.endswith("/refresh") else None)
    presses = [Presses(tabs[0]), Presses(tabs[1], first_lives_s=1)]
    for tab in tabs:
        tab.goto(f"/sales/{sale.id}")
        expect(tab.locator("#link")).to_have_text("Live")
    # What the browser did is taken in while it is asked something.
    eventually(lambda: page.title() and all(one.of("auth") for one in presses))
    for tab, one in zip(tabs, presses, strict=True):
        expect(tab.locator("#link")).to_have_text("Live")
        assert [set(said) for said in one.of("auth")] == [{"type", "id", "renewal"}]
        assert len(one.named) == 1
    assert len(renewed) == 1


def test_renewals_are_spread_and_keep_away_from_an_opening(new_page: NewPage) -> None:
    page = new_page()
    page.goto("/")
    chances = [part / 20 for part in range(21)]

    def moments(left: float, opens: float | None) -> list[float]:
        asked = [[left * MINUTE, None if opens is None else opens * MINUTE, chance] for chance in chances]
        told: list[float] = page.evaluate(MOMENTS, asked)
        return [moment / MINUTE for moment in told]

    far, quiet = moments(15, 600), moments(15, -60)
    assert far == quiet
    assert min(far) >= 5
    assert max(far) < 15
    assert max(far) - min(far) > 4
    for opens in range(-2, 20):
        told = moments(15, opens)
        assert all(0 <= moment < 15 and abs(moment - opens) >= 3 - 1e-6 for moment in told), (opens, told)
