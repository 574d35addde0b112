"""Being told: a sale is followed from its card and its page, and a browser shows what is pushed to it."""

from typing import Any

import orjson
import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect
from sqlalchemy import select

from benchmarks.harness.platform import Platform
from models.tables.notices.follows import SaleFollow
from models.tables.notices.pushes import PushSubscription
from tests.browser.conftest import NewPage
from tests.browser.people import come
from tests.support.polling import eventually
from tests.support.push_service import PushService
from tests.support.shop import Shop

pytestmark = pytest.mark.browser

# The browser's own push service is somewhere in the world: what it would give is given by the test.
SUBSCRIBES = """(given) => {
  let made = null;
  const unsubscribe = async () => { made = null; };
  PushManager.prototype.subscribe = async () => (made = { toJSON: () => given, unsubscribe });
  PushManager.prototype.getSubscription = async () => made;
}"""
SHOWN = """async () => {
  const registration = await navigator.serviceWorker.getRegistration("/account/");
  const all = await registration.getNotifications();
  return all.map(({ title, body, tag, lang, data }) => ({ title, body, tag, lang, data }));
}"""


def test_a_sale_is_followed_from_its_card_and_no_longer_from_its_page_and_the_account(
    shop: Shop, new_page: NewPage
) -> None:
    sale, other = shop.scheduled_sale(opens_in_s=3600), shop.scheduled_sale(opens_in_s=3600)
    page = new_page()
    come(page, "/")
    for one in (sale, other):
        button = page.locator(f"[data-follow='{one.id}']")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
    page.goto(f"/sales/{sale.id}")
    page.get_by_role("button", name="You will be told").click()
    expect(page.get_by_role("button", name="Tell me before it opens")).to_be_enabled()
    page.goto("/account/follows")
    page.get_by_role("button", name="Follow no longer").click()
    expect(page.get_by_text("You follow no sale.")).to_be_visible()
    with shop.context.database.transaction() as session:
        assert session.scalars(select(SaleFollow)).all() == []


def test_who_is_not_logged_in_is_sent_to_log_in_and_comes_back(shop: Shop, new_page: NewPage) -> None:
    page = new_page()
    sale = shop.scheduled_sale(opens_in_s=3600)
    page.goto(f"/sales/{sale.id}")
    page.get_by_role("button", name="Tell me before it opens").click()
    expect(page).to_have_url(f"/login?next=%2Fsales%2F{sale.id}")


def test_a_browser_is_allowed_by_a_press_shows_a_push_and_forgets(
    whole_browser: Browser, platform: Platform, shop: Shop
) -> None:
    context = whole_browser.new_context(base_url=platform.url, permissions=["notifications"])
    page = context.new_page()
    given = PushService().browser()
    endpoint = "https://push.example/secret"
    keys = {"p256dh": given.p256dh, "auth": given.auth}
    context.add_init_script(f"({SUBSCRIBES})({orjson.dumps({'endpoint': endpoint, 'keys': keys}).decode()})")
    come(page, "/account/push")
    page.get_by_role("button", name="Tell me in this browser").click()
    expect(page.get_by_text("This browser tells you, until you log out.")).to_be_visible()
    said = {"title": "Kettle", "body": "It is held for you now.", "page": "/orders", "tag": "a", "lang": "en"}
    push(page, platform.url, said)
    [shown] = eventually(lambda: page.evaluate(SHOWN))
    about = {name: said[name] for name in ("title", "body", "tag", "lang")}
    assert shown == {**about, "data": {"page": "/orders"}}
    with shop.context.database.transaction() as session:
        assert session.scalars(select(PushSubscription.endpoint)).all() == [endpoint]
    page.get_by_role("button", name="Tell me nothing more").click()
    expect(page.get_by_role("button", name="Tell me in this browser")).to_be_visible()
    with shop.context.database.transaction() as session:
        assert session.scalars(select(PushSubscription.endpoint)).all() == []
    context.close()


def push(page: Page, origin: str, said: dict[str, Any]) -> None:
    """Hand the service worker what a push service would hand it."""
    wire: CDPSession = page.context.new_cdp_session(page)
    found: list[dict[str, Any]] = []
    wire.on("ServiceWorker.workerRegistrationUpdated", lambda told: found.extend(told["registrations"]))
    wire.send("ServiceWorker.enable")

    def registered() -> list[str]:
        page.evaluate("0")  # lets events come
        scope = f"{origin}/account/"
        return [one["registrationId"] for one in found if one["scopeURL"] == scope]

    [registration, *_] = eventually(registered)
    pushed = {"origin": origin, "registrationId": registration}
    wire.send("ServiceWorker.deliverPushMessage", {**pushed, "data": orjson.dumps(said).decode()})
