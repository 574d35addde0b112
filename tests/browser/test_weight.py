"""A first visit is small and asks no other host; the next one fetches no file again."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, expect

from benchmarks.harness.platform import Platform
from tests.browser.conftest import NewPage
from tests.browser.people import come_as_admin
from tests.support.shop import Shop

pytestmark = pytest.mark.browser

MOST_BYTES = 100_000

# The files for which anything came over the wire, were it only a word that they are still the same.
FETCHED = """() => performance.getEntriesByType("resource")
  .filter((entry) => entry.name.includes("/static/") && entry.transferSize > 0)
  .map((entry) => entry.name)"""

Visit = Callable[[Page, Shop], str]


def the_front(_page: Page, shop: Shop) -> str:
    shop.open_sale()
    return "/"


def a_sale(_page: Page, shop: Shop) -> str:
    return f"/sales/{shop.open_sale().id}"


def the_control_room(page: Page, shop: Shop) -> str:
    come_as_admin(page, shop, "/account")
    expect(page.get_by_role("heading", name="My account")).to_be_visible()
    return "/admin"


@pytest.mark.parametrize("visit", [the_front, a_sale, the_control_room])
@pytest.mark.parametrize("locale", ["de-DE", pytest.param("en-US", marks=pytest.mark.release)])
def test_a_first_visit_is_small_and_asks_no_other_host(
    platform: Platform, shop: Shop, new_page: NewPage, visit: Visit, locale: str
) -> None:
    before = new_page()
    path = visit(before, shop)
    page = new_page(locale=locale)
    page.context.add_cookies(
        [
            {"name": one["name"], "value": one["value"], "url": platform.url}
            for one in before.context.cookies()
            if one["path"] == "/"
        ]
    )
    asked = requests_of(page, path)
    assert len(asked) > 5
    assert all(request.url.startswith(platform.url) for request in asked)
    assert sum(weight(request) for request in asked) < MOST_BYTES


def test_no_file_is_fetched_again_by_the_next_page(shop: Shop, new_page: NewPage) -> None:
    page = new_page()
    sale = f"/sales/{shop.open_sale().id}"
    requests_of(page, sale)
    first = page.evaluate(FETCHED)
    requests_of(page, sale)
    assert len(first) > 10
    assert page.evaluate(FETCHED) == []


def test_all_scripts_of_a_page_are_known_from_its_first_answer(shop: Shop, new_page: NewPage) -> None:
    page = new_page()
    asked = requests_of(page, f"/sales/{shop.open_sale().id}")
    scripts = {request.url for request in asked if request.resource_type == "script"}
    named = page.locator("link[rel=modulepreload], script[src]")
    addresses = named.evaluate_all("all => all.map(one => one.href || one.src)")
    assert scripts == set(addresses)


def requests_of(page: Page, path: str) -> list[Request]:
    """What a page asks for until it is at rest, sockets apart."""
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    page.on("requestfinished", note)
    page.goto(path, wait_until="networkidle")
    page.remove_listener("requestfinished", note)
    return asked


def weight(request: Request) -> int:
    """How many bytes came over the wire for it, headers too."""
    sizes = request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]
