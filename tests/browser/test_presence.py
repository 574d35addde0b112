"""A page that is the same for everybody shows whom it is for from its first frame on, from caches too."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import NewPage
from tests.browser.people import come
from web.shop.languages import COOKIE

pytestmark = pytest.mark.browser

# Who could be read off each frame, over all pages of the tab: as a link that is seen, in which language.
WATCH = """
const seen = new Set(JSON.parse(sessionStorage.seen ?? "[]"));
const look = () => {
  for (const link of document.querySelectorAll("nav [data-for]")) {
    if (link.checkVisibility()) seen.add(`${document.documentElement.lang} ${link.dataset.for}`);
  }
  sessionStorage.seen = JSON.stringify([...seen]);
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


def test_a_cached_page_in_another_language_is_had_in_ones_own_and_tells_no_lie_on_the_way(
    new_page: NewPage,
) -> None:
    page = new_page()
    come(page, "/")
    everybodys = page.request.get("/", headers={"Cookie": ""}).text()
    assert '<html lang="en"' in everybodys
    page.context.add_cookies([{"name": COOKIE, "value": "fr", "url": page.url}])

    def from_cache(route: Route) -> None:
        route.fulfill(body=everybodys, content_type="text/html; charset=utf-8")

    page.route(re.compile(r"/$"), from_cache)
    page.add_init_script(WATCH)
    page.goto("/")
    expect(page).to_have_url("/?language=fr")
    expect(page.get_by_role("button", name="Déconnexion")).to_be_enabled()
    assert "fr shoppers" in seen(page) <= {"en shoppers", "fr shoppers"}


def test_who_goes_back_after_logging_out_elsewhere_is_shown_as_a_guest_at_once(new_page: NewPage) -> None:
    page = new_page()
    come(page, "/")
    page.goto("/account")
    page.context.clear_cookies()
    page.add_init_script(WATCH)
    page.go_back()
    expect(page.get_by_role("link", name="Log in", exact=True)).to_be_visible()
    assert seen(page) == {"en guests"}


def seen(page: Page) -> set[str]:
    """Whom the page was for in all frames so far; a frame more is waited for."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    told: Any = page.evaluate("JSON.parse(sessionStorage.seen)")
    return set(told)
