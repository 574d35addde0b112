"""A hold that nobody watched is told by mail, read where mails are kept, and paid from its link."""

import re

import pytest
from playwright.sync_api import expect

from models.enums import MailKind
from tasks.mail.links import Links
from tests.browser.conftest import NewPage
from tests.browser.people import become_admin, enrol, enter
from tests.support.letterbox import Letterbox
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


def test_a_hold_that_nobody_watched_is_told_by_mail_and_paid_from_its_link(
    shop: Shop, new_page: NewPage
) -> None:
    sale, box = shop.open_sale(1), Letterbox(shop.context.database, Links.of(shop.context.settings))
    page, room = new_page(), new_page(1440)
    email, chief = enrol(page), enrol(room)
    become_admin(shop, chief)
    signed = page.request.post(
        "/api/v1/auth/login", data={"email": email, "password": "correct horse battery"}
    )
    bearer = {"Authorization": f"Bearer {signed.json()['access_token']}"}
    assert page.request.post(f"/api/v1/sales/{sale.id}/intents", data={}, headers=bearer).status == 202
    token = box.token_to(email, MailKind.HOLD_BEGUN)
    enter(room, chief, f"/admin/mails?address={email}&kind=hold_begun")
    room.get_by_role("link", name="Hold has begun").click()
    expect(room.frame_locator("iframe").get_by_role("link", name="Pay or give back")).to_be_visible()
    page.goto(f"/o#{token}")
    page.get_by_role("button", name="Show my order").click()
    expect(page.get_by_role("heading", name="Kettle")).to_be_visible()
    page.reload()
    page.get_by_role("button", name=re.compile("^Pay")).click()
    expect(page.get_by_text("Paid. There is nothing more to do.")).to_be_visible()
    page.goto("/orders")
    expect(page).to_have_url("/login?next=/orders")
    assert sale.audit().ok
