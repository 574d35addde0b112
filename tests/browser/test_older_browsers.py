"""What older and stricter browsers say and lack: the shop works, or says in words why it does not."""

import json
from typing import Final

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import NewPage
from tests.browser.people import come_as_admin, enrol, log_in, pay, register
from tests.support.shop import Shop

pytestmark = pytest.mark.browser

# What Safari 15.0 does not have; its neighbours of the same age have more of it.
LACKS: Final = """
for (const [owner, names] of [
  [AbortSignal, ["timeout", "any"]],
  [Array.prototype, ["at", "findLast", "findLastIndex", "toReversed", "toSorted", "toSpliced", "with"]],
  [String.prototype, ["at", "isWellFormed", "toWellFormed"]],
  [Object, ["hasOwn", "groupBy"]],
  [Map, ["groupBy"]],
  [Promise, ["withResolvers", "try"]],
  [Crypto.prototype, ["randomUUID"]],
  [Navigator.prototype, ["locks"]],
  [HTMLDialogElement.prototype, ["showModal", "show", "close"]],
  [HTMLElement.prototype, ["showPopover", "inert"]],
  [Element.prototype, ["checkVisibility", "setHTMLUnsafe"]],
  [window, ["structuredClone", "requestIdleCallback", "BroadcastChannel", "scheduler", "HTMLDialogElement"]],
]) for (const name of names) delete owner[name];
const Format = Intl.DateTimeFormat;
Intl.DateTimeFormat = function (locales, options = {}) {
  if (/Offset|Generic/.test(options.timeZoneName ?? "")) throw new RangeError("timeZoneName");
  return new Format(locales, options);
};
"""
SAYS: Final = """
Object.defineProperty(Navigator.prototype, "languages", { get: () => LANGUAGES });
Object.defineProperty(Navigator.prototype, "language", { get: () => LANGUAGES?.[0] });
"""
NOT_KEPT: Final = "Your browser keeps no cookies"


def buys(page: Page, shop: Shop) -> None:
    """Register, and buy what there is."""
    register(page, f"/sales/{shop.open_sale().id}")
    expect(page.locator("#link")).to_have_text("Live")
    page.get_by_role("button", name="Get my ticket").click()
    expect(page.get_by_role("heading", name="It is yours!")).to_be_visible()
    pay(page)


def test_a_browser_of_2021_buys(shop: Shop, new_page: NewPage) -> None:
    page = new_page()
    page.add_init_script(LACKS)
    buys(page, shop)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in", exact=True)).to_be_visible()
    log_in(page, enrol(page), "/orders")
    expect(page).to_have_url("/orders")


@pytest.mark.parametrize(
    "languages",
    [
        None,
        "en-US",
        ["", "*", None, "en_US.UTF-8"],
        ["en-US@posix"],
        *(pytest.param(one, marks=pytest.mark.release) for one in (["C"], [], ["x", "en-US-u-", "en-US"])),
    ],
)
def test_languages_that_are_none_do_no_harm(
    shop: Shop, new_page: NewPage, languages: list[str | None] | str | None
) -> None:
    page = new_page()
    page.add_init_script(SAYS.replace("LANGUAGES", json.dumps(languages)))
    page.goto(f"/sales/{shop.open_sale().id}")
    expect(page.locator("#link")).to_have_text("Live")


def test_a_page_whose_language_was_replaced_by_none_still_counts(shop: Shop, new_page: NewPage) -> None:
    """As translators of pages do, or an extension that means it well."""
    page = new_page()
    page.add_init_script(
        "new MutationObserver((_, all) => { document.documentElement.lang = 'C'; all.disconnect(); })"
        ".observe(document, { childList: true, subtree: true });"
    )
    buys(page, shop)


@pytest.mark.parametrize("form", ["/login", "/register"])
def test_who_keeps_no_cookies_is_told_so(new_page: NewPage, form: str) -> None:
    page = new_page()
    email = enrol(page)

    def drop_cookies(route: Route) -> None:
        answer = route.fetch()
        page.context.clear_cookies()  # those that the fetching kept
        headers = {name: value for name, value in answer.headers.items() if name != "set-cookie"}
        route.fulfill(response=answer, headers=headers)

    page.route("**/session", drop_cookies)
    fill_in(page, form, email if form == "/login" else f"new-{email}")
    expect(page.get_by_role("alert")).to_contain_text(NOT_KEPT)
    expect(page.locator("form#account [type=submit]")).to_be_enabled()
    assert form in page.url


def test_a_browser_that_says_it_takes_no_cookies_is_told_before_an_account_is_made(new_page: NewPage) -> None:
    page = new_page()
    page.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'cookieEnabled', { get: () => false });"
        "for (const [owner, name] of [[Document.prototype, 'cookie'], [window, 'sessionStorage']])"
        "  Object.defineProperty(owner, name, { get() { throw new DOMException('', 'SecurityError'); } });"
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    fill_in(page, "/register", "nobody@example.com")
    expect(page.get_by_role("alert")).to_contain_text(NOT_KEPT)
    assert asked == []


def test_a_control_room_of_2021_asks_before_an_action(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale()
    page = new_page()
    page.add_init_script(LACKS)
    come_as_admin(page, shop, "/admin")
    pause = page.locator(f"[data-sale='{sale.id}']").get_by_role("button", name="Pause")
    box = page.get_by_role("dialog")
    pause.click()
    expect(box).to_contain_text("Pause the sale?")
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(pause).to_be_focused()
    pause.click()
    box.get_by_role("button", name="Pause").click()
    expect(page.locator(f"[data-sale='{sale.id}'] [data-slot=status]")).to_have_text("Paused")
    page.goto("/admin/sales/new")
    expect(page.get_by_text("Times are in your time zone:")).to_contain_text("GMT")
    page.goto(f"/admin/sales/{sale.id}")  # charts, and what is counted in them
    expect(page.locator("[data-axis=to]").first).not_to_be_empty()


def fill_in(page: Page, form: str, email: str) -> None:
    page.goto(f"{form}?next=/orders")
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill("correct horse battery")
    page.locator("form#account [type=submit]").click()
