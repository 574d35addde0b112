"""Mails that are kept: in development they are entered and never sent, and admins read them."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from config import KEPT_MAIL
from models.enums import MailStatus
from models.tables.accounts import User
from models.tables.mails import Mail
from tests.integration.conftest import Account
from tests.integration.test_pages_shown import read, sign_in
from tests.support.mailing import MailShop
from tests.support.paying import Till
from tests.support.shop import Shop
from web.http.services import Services

API = "/api/v1/admin/mails"


@pytest.fixture
def mailing(parts: Services) -> MailShop:
    assert parts.context.settings.mail == KEPT_MAIL
    till = Till.over(parts.context)
    return MailShop(Shop(till.context), till)


def paid_in_german(mailing: MailShop) -> Mail:
    _, [order] = mailing.held()
    with mailing.shop.context.database.transaction() as session:
        spoken = {"language": "de", "time_zone": "Europe/Berlin", "name": "<b>Ada"}
        session.execute(update(User).where(User.id == order.user_id).values(spoken))
    mailing.till.pay(order)
    return mailing.mail()


def test_a_kept_mail_is_due_to_nobody_and_is_done_as_a_task(
    mailing: MailShop, client: FlaskClient, admin: Account
) -> None:
    mail = paid_in_german(mailing)
    assert (mail.status, mail.due_at, mail.language) == (MailStatus.KEPT, None, "de")
    mailer = mailing.shop.context.mailer
    assert not mailer.has_due()
    assert mailer.deliver() == 0
    task = client.get(f"/api/v1/tasks/{mail.id}", headers=admin.headers).get_json()
    assert (task["state"], task["result"]["status"]) == ("SUCCESS", "kept")


def test_a_kept_mail_is_read_as_it_would_be_sent(
    mailing: MailShop, client: FlaskClient, admin: Account
) -> None:
    mail = paid_in_german(mailing)
    [found] = client.get(
        f"{API}?kind=receipt&status=kept&address={mail.to_email[:9]}", headers=admin.headers
    ).get_json()["items"]
    assert "text" not in found
    told = client.get(f"{API}/{mail.id}", headers=admin.headers).get_json()
    assert told["subject"].startswith("Beleg ")
    assert "Danke, <b>Ada." in told["text"]
    assert "Danke, &lt;b&gt;Ada." in told["html"]
    sign_in(client, admin)
    assert "Danke, &lt;b&gt;Ada." in read(client, f"/admin/mails/{mail.id}")
    page = client.get(f"/admin/mails/{mail.id}/page")
    assert page.get_data(as_text=True) == told["html"]
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy


@pytest.mark.parametrize("narrowed", ["kind=refund", "status=mailed", "address=nobody"])
def test_the_list_is_narrowed(mailing: MailShop, client: FlaskClient, admin: Account, narrowed: str) -> None:
    paid_in_german(mailing)
    assert client.get(f"{API}?{narrowed}", headers=admin.headers).get_json()["items"] == []
    sign_in(client, admin)
    assert "Nothing found" in read(client, f"/admin/mails?{narrowed}")


def test_what_leaves_is_listed_and_not_shown(mailing: MailShop, client: FlaskClient, admin: Account) -> None:
    mail = paid_in_german(mailing)
    with mailing.shop.context.database.transaction() as session:
        sent = {"status": MailStatus.MAILED, "mailed_at": mail.created_at}
        session.execute(update(Mail).values(sent))
    told = client.get(f"{API}/{mail.id}", headers=admin.headers).get_json()
    assert (told["status"], told["text"], told["html"]) == ("mailed", None, None)
    sign_in(client, admin)
    assert "iframe" not in read(client, f"/admin/mails/{mail.id}")
    read(client, f"/admin/mails/{mail.id}/page", 404)
