"""What a browser keeps of a log-in, and what a page would let a stranger's script do."""

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.harness.platform import Platform
from tests.browser.conftest import NewPage
from tests.browser.people import hold
from tests.support.shop import Shop

pytestmark = pytest.mark.browser

SEEN = """async () => JSON.stringify({
  cookie: document.cookie,
  local: { ...localStorage },
  session: { ...sessionStorage },
  databases: indexedDB.databases ? await indexedDB.databases() : [],
  caches: await caches.keys(),
  page: document.documentElement.outerHTML,
})"""


@pytest.fixture
def bought(shop: Shop, new_page: NewPage) -> Page:
    """A page of somebody who registered and got a hold."""
    page = new_page()
    hold(page, shop.open_sale())
    return page


def test_tokens_are_kept_where_no_script_can_read_them(bought: Page) -> None:
    kept = {cookie["name"]: cookie for cookie in bought.context.cookies()}
    tokens = [kept["fs_access"], kept["fs_refresh"]]
    assert all(token["httpOnly"] and token["sameSite"] == "Lax" for token in tokens)
    assert {name for name, cookie in kept.items() if not cookie["httpOnly"]} == {"fs_csrf", "fs_refresh_csrf"}
    assert all(cookie["sameSite"] in ("Lax", "Strict") for cookie in kept.values())
    seen = bought.evaluate(SEEN)
    assert not any(token["value"] in seen for token in tokens)
    assert "eyJ" not in seen  # how every such token begins
    assert bought.evaluate("localStorage.length") == 0


def test_a_script_that_got_into_a_page_does_not_run_and_reaches_nobody(
    browser: Browser, platform: Platform, shop: Shop
) -> None:
    page = browser.new_page(base_url=platform.url)  # whose complaints are wanted here
    page.goto(f"/sales/{shop.open_sale().id}")
    told = page.evaluate("""async () => {
      const refused = [];
      document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      const button = document.createElement("button");
      button.setAttribute("onclick", "window.ran = true");
      button.click();
      document.body.setAttribute("style", "opacity: 0");
      await fetch("https://elsewhere.invalid/").catch(() => null);
      await new Promise((done) => setTimeout(done, 100));
      return { ran: Boolean(window.ran), opacity: getComputedStyle(document.body).opacity, refused };
    }""")
    page.close()
    assert (told["ran"], told["opacity"]) == (False, "1")
    assert {"script-src-elem", "script-src-attr", "style-src-attr", "connect-src"} <= set(told["refused"])
