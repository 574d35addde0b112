"""Which mails an account wants: chosen by itself, or switched off with one press from a mail."""

import re
import uuid

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from models.enums import CHOSEN_MAILS, MailKind
from models.tables.accounts import User
from tasks.mail.choices import write_word
from tasks.notices.absent import tell_due
from tests.integration.conftest import SECRET_KEY, Account
from tests.integration.test_pages_shown import read, sign_in
from tests.support.mailing import MailShop
from tests.support.postbox import Postbox
from web.http.services import Services
from web.shop.account.notifications import KINDS

ME = "/api/v1/me/notifications"


def is_on(client: FlaskClient, account: Account, kind: MailKind) -> bool:
    mails = client.get(ME, headers=account.headers).get_json()["mails"]
    return bool(next(one["is_on"] for one in mails if one["kind"] == kind))


def test_every_kind_comes_until_it_is_switched_off_and_some_always(
    client: FlaskClient, shopper: Account
) -> None:
    told = client.get(ME, headers=shopper.headers).get_json()["mails"]
    assert all(one["is_on"] for one in told)
    assert {one["kind"] for one in told if not one["is_fixed"]} == set(CHOSEN_MAILS) == set(KINDS)
    for kind in (MailKind.RECEIPT, MailKind.RESET_PASSWORD):
        assert client.patch(ME, json={kind: False}, headers=shopper.headers).status_code == 422
    client.patch(ME, json={"hold_begun": False}, headers=shopper.headers)
    client.patch(ME, json={"hold_ends": False, "hold_begun": True}, headers=shopper.headers)
    assert is_on(client, shopper, MailKind.HOLD_BEGUN)
    assert not is_on(client, shopper, MailKind.HOLD_ENDS)
    sign_in(client, shopper)
    page = read(client, "/account/notifications")
    assert re.findall(r'name="(\w+)" checked', page) == [one for one in KINDS if one != "hold_ends"]


def test_one_press_switches_one_kind_off_and_looking_does_not(client: FlaskClient, shopper: Account) -> None:
    path = f"/unsubscribe/{write_word(SECRET_KEY, shopper.id, MailKind.OPENS_SOON)}"
    assert "A sale opens soon" in read(client, path)
    assert is_on(client, shopper, MailKind.OPENS_SOON)
    for _ in range(2):
        assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not is_on(client, shopper, MailKind.OPENS_SOON)
    assert is_on(client, shopper, MailKind.HOLD_BEGUN)


@pytest.mark.parametrize("spoiled", ["x", "é.opens_soon.x", "..", "0" * 32 + ".receipt.x"])
def test_what_nobody_signed_switches_nothing_off(client: FlaskClient, shopper: Account, spoiled: str) -> None:
    good = write_word(SECRET_KEY, shopper.id, MailKind.OPENS_SOON)
    others = write_word("another key", shopper.id, MailKind.OPENS_SOON)
    another = good.replace(shopper.id.hex, uuid.UUID(int=7).hex)
    for word in (spoiled, others, another, good[:-1], good.replace("opens_soon", "hold_ends")):
        assert client.post(f"/unsubscribe/{word}").status_code == 410
    assert is_on(client, shopper, MailKind.OPENS_SOON)


def test_a_mail_that_can_be_switched_off_says_so_to_the_mailbox(
    mailing: MailShop, postbox: Postbox, parts: Services
) -> None:
    _, [order] = mailing.held()
    with mailing.shop.context.database.transaction() as session:
        session.execute(update(User).values(language="de"))
    mailing.make_notices_due()
    tell_due(mailing.shop.context)
    mailing.till.pay(order)
    assert parts.settings.secret_key == SECRET_KEY
    mailing.mailer(postbox.settings).deliver()
    letters = {one["Message-ID"].partition(".")[0]: one for one in postbox.letters}
    assert "List-Unsubscribe" not in letters["<receipt"]
    letter = letters["<hold_begun"]
    word = write_word(SECRET_KEY, order.user_id, MailKind.HOLD_BEGUN)
    assert letter["List-Unsubscribe"].endswith(f"/unsubscribe/{word}>")
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert b"/unsubscribe/" + word.encode() in next(one for one in postbox.raw if b"<hold_begun" in one)
    assert letter["Subject"] == "Kettle ist für dich reserviert"
