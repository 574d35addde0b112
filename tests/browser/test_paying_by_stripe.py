"""A person pays by Stripe's form: its script and frames come from another host, which is the fake's here."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from benchmarks.harness.platform import Platform
from models.tables.orders import Order
from tests.browser.conftest import NewPage
from tests.browser.people import face, hold, sees_paid
from tests.browser.running import PROGRAMS, platform_over
from tests.support.fake_stripe import FakeStripe
from tests.support.fake_stripe.answers import Object
from tests.support.fake_stripe.server import SECRET_KEY
from tests.support.fake_stripe.webhooks import post
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import Shop
from tests.support.stripe_play import WEBHOOK_SECRET

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeStripe]:
    with FakeStripe() as fake:
        yield fake


@pytest.fixture(scope="module")
def platform(
    chromium: str,  # noqa: ARG001 - nothing is started for tests that are skipped
    stores: Stores,
    fake: FakeStripe,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Platform]:
    """The running platform with Stripe; with a broker's database of its own, since others run beside it."""
    stripe = {
        "PAYMENT_PROVIDER": "stripe",
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_PUBLISHABLE_KEY": "pk_test_fake",
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_API_URL": fake.url,
        "STRIPE_JS_URL": f"{fake.url}/v3/",
        "BROKER_URL": stores.broker_url.replace("virtual_host=1", "virtual_host=3"),
    }
    with platform_over(stores, tmp_path_factory.mktemp("stripe"), *PROGRAMS, **stripe) as running:
        yield running


def enter(page: Page, card: str) -> None:
    page.frame_locator("#card iframe").get_by_label("Card").fill(card)


def press(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Pay")).click()


def send(platform: Platform, fake: FakeStripe, kind: str, order: Order) -> None:
    """Send the webhook of a kind about an order, as Stripe would, when there is one."""

    def found() -> list[Object]:
        return [
            event
            for event in list(fake.books.events)
            if event["type"] == kind and event["data"]["object"]["metadata"]["order_id"] == str(order.id)
        ]

    [event] = eventually(found)
    assert post(f"{platform.url}/api/v1/payments/webhooks/stripe", event, WEBHOOK_SECRET) == 200


def begin_elsewhere(page: Page, order: Order) -> None:
    """Begin a payment that the shopper's bank asks about, from another program of theirs."""
    csrf = next(one["value"] for one in page.context.cookies() if one["name"] == "fs_csrf")
    path, body = f"/api/v1/orders/{order.id}/payments", {"method": "ctoken_card_3ds"}
    assert page.request.post(path, data=body, headers={"X-CSRF-TOKEN": csrf}).status == 202


def test_who_enters_a_card_pays_and_the_page_never_sees_it(
    shop: Shop, new_page: NewPage, fake: FakeStripe
) -> None:
    page = new_page()
    sale = hold(page, shop.open_sale(2))
    press(page)
    expect(page.get_by_role("alert")).to_have_text("Your card number is incomplete.")
    enter(page, "card_ok")
    press(page)
    sees_paid(page)
    expect(face(page, "held").locator("[data-slot=receipt]")).to_have_text(re.compile(r"^\d{4}-\d{6}$"))
    said = page.evaluate("window.__stripe")
    assert (said["key"], said["options"]["mode"], said["options"]["currency"]) == (
        "pk_test_fake",
        "payment",
        "usd",
    )
    assert set(said["amounts"]) == {1999}
    assert said["returnUrl"].endswith(f"/sales/{sale.id}")
    intent = next(one for one in fake.books.intents.values() if one["status"] == "succeeded")
    assert intent["payment_method"] == "ctoken_card_ok"
    assert sale.audit().ok


def test_a_declined_card_is_told_and_another_pays_on_the_same_form(shop: Shop, new_page: NewPage) -> None:
    page = new_page(1440)
    hold(page, shop.open_sale(2))
    enter(page, "card_insufficient")
    press(page)
    expect(page.get_by_text("There is not enough money on the card")).to_be_visible()
    enter(page, "card_ok")
    press(page)
    sees_paid(page)
    assert page.evaluate("window.__stripe.mounted") == 1


def test_a_bank_that_asks_is_answered_and_the_webhook_pays(
    shop: Shop, new_page: NewPage, platform: Platform, fake: FakeStripe
) -> None:
    page = new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    [order] = hold(page, shop.open_sale(2)).orders()
    enter(page, "card_3ds")
    press(page)
    expect(page.get_by_role("heading", name="Your payment is under way")).to_be_visible()
    expect(page.locator("html[data-answered]")).to_be_attached()
    send(platform, fake, "payment_intent.succeeded", order)
    sees_paid(page)
    expect(page.get_by_role("button", name="Answer your bank")).to_be_hidden()


def test_a_bank_that_says_no_gives_the_hold_back(
    shop: Shop, new_page: NewPage, platform: Platform, fake: FakeStripe
) -> None:
    page = new_page()
    page.on("dialog", lambda dialog: dialog.dismiss())
    [order] = hold(page, shop.open_sale(2)).orders()
    enter(page, "card_3ds")
    press(page)
    expect(page.get_by_role("alert")).to_have_text("Your bank did not agree.")
    send(platform, fake, "payment_intent.payment_failed", order)
    expect(page.get_by_text("Your bank did not recognise you.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Pay"))).to_be_visible()


def test_who_comes_back_to_an_open_question_answers_it_by_hand(
    shop: Shop, new_page: NewPage, platform: Platform, fake: FakeStripe
) -> None:
    page = new_page()
    [order] = hold(page, shop.open_sale(2)).orders()
    begin_elsewhere(page, order)
    button = page.get_by_role("button", name="Answer your bank")
    expect(button).to_be_visible()
    page.reload()
    expect(button).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    button.click()
    expect(page.locator("html[data-answered]")).to_be_attached()
    send(platform, fake, "payment_intent.succeeded", order)
    sees_paid(page)


def test_a_form_that_cannot_be_loaded_says_so_and_is_tried_again(
    shop: Shop, new_page: NewPage, fake: FakeStripe
) -> None:
    page = new_page()
    page.route(f"{fake.url}/v3/", lambda route: route.abort())
    hold(page, shop.open_sale(2))
    expect(page.get_by_role("alert")).to_contain_text("The card form could not be loaded.")
    page.unroute(f"{fake.url}/v3/")
    press(page)
    expect(page.get_by_role("alert")).to_have_text("Your card number is incomplete.")
    enter(page, "card_ok")
    press(page)
    sees_paid(page)


def test_what_costs_nothing_is_confirmed_with_one_press_and_stripe_is_not_even_loaded(
    shop: Shop, new_page: NewPage, fake: FakeStripe
) -> None:
    asked = len(fake.requests)
    page = new_page()
    sale = shop.open_sale(2)
    sale.change(price_minor=0)
    hold(page, sale)
    expect(page.locator("#card")).to_be_hidden()
    expect(page.get_by_role("button", name=re.compile("^Pay"))).to_have_count(0)
    page.get_by_role("button", name="Confirm").click()
    sees_paid(page)
    assert page.evaluate("globalThis.Stripe === undefined")
    assert len(fake.requests) == asked
    assert sale.audit().ok
