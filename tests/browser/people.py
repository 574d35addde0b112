"""What people do on the pages, each step as a function."""

import re
import uuid
from typing import Final
from uuid import UUID

from playwright.sync_api import Locator, Page, expect
from sqlalchemy import update

from models.enums import Role, StaffRole
from models.tables.accounts import User
from tests.support.shop import SaleUnderTest, Shop

PASSWORD: Final = "correct horse battery"


def register(page: Page, target: str) -> str:
    """Register by hand, coming from the page that one wants to go back to; returns the e-mail."""
    email = f"{uuid.uuid4().hex}@example.com"
    page.goto(f"/register?next={target}")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Register").click()
    expect(page).to_have_url(target)
    return email


def enrol(page: Page) -> str:
    """Make an account without a form; returns the e-mail."""
    email = f"{uuid.uuid4().hex}@example.com"
    account = {"email": email, "password": PASSWORD, "name": "Ada"}
    assert page.request.post("/api/v1/auth/register", data=account).ok
    return email


def enter(page: Page, email: str, target: str) -> None:
    """Log in without a form, and go to a page."""
    assert page.request.post("/session", data={"email": email, "password": PASSWORD}).ok
    page.goto(target)


def come(page: Page, target: str) -> str:
    """Make an account, log in with it and go to a page, all without forms; returns the e-mail."""
    email = enrol(page)
    enter(page, email, target)
    return email


def join(page: Page, sale_id: UUID) -> None:
    """Come with an account, and get a ticket."""
    come(page, f"/sales/{sale_id}")
    page.get_by_role("button", name="Get my ticket").click()


def hold(page: Page, sale: SaleUnderTest) -> SaleUnderTest:
    """Come with an account, and get a hold; returns the sale."""
    join(page, sale.id)
    expect(page.get_by_role("heading", name="It is yours!")).to_be_visible()
    return sale


def pay(page: Page) -> None:
    """Pay what is held, and see that it is paid."""
    page.get_by_role("button", name=re.compile("^Pay")).click()
    sees_paid(page)


def sees_paid(page: Page) -> None:
    """Wait until the page says that the order is paid."""
    expect(page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible()


def face(page: Page, name: str) -> Locator:
    """One face of the purchase panel."""
    return page.locator(f"[data-face={name}]")


def slot(page: Page, name: str, within: str = "line") -> Locator:
    """A figure on a face."""
    return face(page, within).locator(f"[data-slot={name}]").first


def log_in(page: Page, email: str, target: str = "/", *, password: str = PASSWORD) -> None:
    """Log in by hand, coming from the page that one wants to go back to."""
    page.goto(f"/login?next={target}")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.locator("main").get_by_role("button", name="Log in").click()


def come_as_admin(page: Page, shop: Shop, target: str) -> str:
    """Make an admin's account, log in with it and go to a page; returns the e-mail."""
    become_admin(shop, email := enrol(page))
    enter(page, email, target)
    return email


def become_admin(shop: Shop, email: str, staff_role: StaffRole = StaffRole.OWNER) -> None:
    """Make an account an admin's; it has to log in again."""
    with shop.context.database.transaction() as session:
        session.execute(
            update(User).where(User.email == email).values(role=Role.ADMIN, staff_role=staff_role)
        )
