"""An admin looks at a report in a browser, and has it made again."""

import pytest
from playwright.sync_api import expect

from models.enums import SaleStatus
from models.tables.background import BackgroundTask
from tests.browser.conftest import NewPage
from tests.browser.people import come_as_admin
from tests.browser.running import do_what_was_asked
from tests.support.polling import eventually
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


def test_an_admin_has_a_report_made_again_and_sees_the_new_one(shop: Shop, new_page: NewPage) -> None:
    sale = shop.open_sale(2)
    sale.line_up(shop.shoppers(3))
    eventually(lambda: len(sale.orders()) == 2)
    sale.move(SaleStatus.ENDED)
    eventually(lambda: len(sale.intents()) == 3 and sale.is_idle())
    page = new_page()
    come_as_admin(page, shop, f"/admin/sales/{sale.id}/report")
    expect(page.get_by_role("heading", name="Report", exact=True)).to_be_visible()
    expect(page.get_by_role("img")).to_have_count(4)
    made = page.locator(".report-head time")
    before = made.get_attribute("datetime")
    page.get_by_role("button", name="Make it again").click()
    expect(page.get_by_role("status").filter(has_text="being made")).to_be_visible()
    do_what_was_asked(shop, BackgroundTask.sale_id == sale.id)
    expect(made).not_to_have_attribute("datetime", before or "")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
