"""Staff by their roles: one who is invited as an operator runs sales, and cannot refund."""

import pytest
from playwright.sync_api import expect

from tasks.mail.links import Links
from tests.browser.conftest import NewPage
from tests.browser.people import PASSWORD, come_as_admin, hold, log_in, pay
from tests.support.letterbox import Letterbox
from tests.support.shop import Shop

pytestmark = pytest.mark.browser

NEWCOMER = "newcomer@example.com"


def test_who_is_invited_as_an_operator_runs_sales_and_cannot_refund(shop: Shop, new_page: NewPage) -> None:
    box = Letterbox(shop.context.database, Links.of(shop.context.settings))
    owner, newcomer, buyer = new_page(1440), new_page(1440), new_page()
    sale = shop.open_sale(1)
    hold(buyer, sale)
    pay(buyer)
    come_as_admin(owner, shop, "/admin/staff")
    invite = owner.get_by_role("region", name="Invite somebody")
    invite.get_by_label("E-mail").fill(NEWCOMER)
    invite.get_by_label("Role").select_option("Operator")
    invite.get_by_role("button", name="Invite").click()
    expect(owner.get_by_role("region", name="Open invitations")).to_contain_text(NEWCOMER)

    newcomer.goto(f"/invitation#{box.token_to(NEWCOMER, 'invitation')}")
    expect(newcomer.get_by_text("Operator")).to_be_visible()
    newcomer.get_by_label("New password").fill(PASSWORD)
    newcomer.get_by_role("button", name="Accept the invitation").click()
    expect(newcomer.get_by_text("Welcome.")).to_be_visible()
    log_in(newcomer, NEWCOMER, f"/admin/sales/{sale.id}")
    newcomer.get_by_role("button", name="Pause").click()
    newcomer.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(newcomer.get_by_role("button", name="Resume")).to_be_visible()
    [order] = sale.orders()
    newcomer.goto(f"/admin/orders/{order.id}")
    expect(newcomer.get_by_text("Refunds are for finance and owners.")).to_be_visible()
    expect(newcomer.get_by_role("button", name="Refund")).to_have_count(0)
    csrf = next(one["value"] for one in newcomer.context.cookies() if one["name"] == "fs_csrf")
    path, headers = f"/api/v1/orders/{order.id}/refund", {"X-CSRF-TOKEN": csrf}
    refused = newcomer.request.post(path, data={}, headers=headers)
    assert (refused.status, refused.json()["permission"]) == (403, "money.refund")
