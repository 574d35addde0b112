"""Accounts and mails: addresses that are confirmed, passwords that were forgotten, what nobody is told."""

import threading
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from models.enums import LinkKind, MailKind
from models.errors import LedgerUnavailable
from models.tables.accounts import AccountLink, User
from tasks.accounts.addresses import masked
from tasks.accounts.mailed_links import MOST_A_DAY, mail_asked_link
from tests.integration.conftest import PASSWORD, Account, MakeAccount, MakeApp
from tests.integration.mailed_app import box, client, shop
from tests.support.letterbox import Letterbox
from tests.support.polling import eventually
from tests.support.postbox import Postbox
from tests.support.problems import assert_problem
from tests.support.threads import at_once
from web.account import asked_links
from web.account.asked_links import TRIES, AskedLinks
from web.http.services import Services

__all__ = ["box", "client", "shop"]

AUTH = "/api/v1/auth"
ADA = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada"}
NEW = "another one, and quite long"
NOBODY = "nobody@example.com"


@pytest.fixture
def mailing(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setattr(asked_links, "LONGEST_REST_S", 0.0)
    return make_app(mail=Postbox(port=9).settings)


def post(client: FlaskClient, path: str, **asked: str) -> int:
    return client.post(f"{AUTH}{path}", json=asked).status_code


def age_links(shop: Services) -> None:
    """Let every link have been mailed an hour ago, but be as good as before."""
    with shop.database.transaction() as session:
        session.execute(update(AccountLink).values(created_at=AccountLink.created_at - timedelta(hours=1)))


def test_who_registers_is_mailed_a_link_that_confirms_the_address(
    client: FlaskClient, box: Letterbox
) -> None:
    made = client.post(f"{AUTH}/register", json={**ADA, "language": "de", "time_zone": "Europe/Berlin"})
    assert made.get_json()["user"]["email_verified"] is False
    [mail] = box.mails_to(ADA["email"])
    assert (mail.kind, mail.language, mail.time_zone) == ("verify_email", "de", "Europe/Berlin")
    token = box.token_to(ADA["email"], MailKind.VERIFY_EMAIL)
    done = client.post(f"{AUTH}/verify", json={"token": token})
    assert done.get_json() == {"email": ADA["email"], "email_verified": True}
    assert_problem(client.post(f"{AUTH}/verify", json={"token": token}), 410, code="link_spent")
    tokens = client.post(f"{AUTH}/login", json={"email": ADA["email"], "password": PASSWORD}).get_json()
    assert tokens["user"]["email_verified"] is True
    assert (tokens["user"]["language"], tokens["user"]["time_zone"]) == ("de", "Europe/Berlin")


def test_a_known_address_is_answered_like_a_new_one_and_told_by_mail(
    client: FlaskClient, box: Letterbox
) -> None:
    first = client.post(f"{AUTH}/register", json=ADA)
    again = client.post(f"{AUTH}/register", json={**ADA, "password": NEW, "name": "Eve"})
    assert again.status_code == first.status_code == 201
    told, real = again.get_json()["user"], first.get_json()["user"]
    assert told == real | {"id": told["id"], "name": "Eve"}
    assert told["id"] != real["id"]
    assert box.kinds_to(ADA["email"]) == ["verify_email", "known_address"]
    assert post(client, "/login", email=ADA["email"], password=NEW) == 401
    assert post(client, "/login", email=ADA["email"], password=PASSWORD) == 200


def test_many_who_register_one_address_at_once_are_one_account(mailing: Flask, box: Letterbox) -> None:
    assert at_once(*[lambda: post(mailing.test_client(), "/register", **ADA)] * 4) == [201] * 4
    assert sorted(box.kinds_to(ADA["email"])) == ["known_address", "verify_email"]


def test_forgot_and_resend_answer_alike_and_mail_whom_it_concerns(
    client: FlaskClient, shop: Services, box: Letterbox
) -> None:
    post(client, "/register", **ADA)
    age_links(shop)
    for email in (NOBODY, ADA["email"], "no address"):
        for path in ("/password/forgot", "/verify/resend"):
            answer = client.post(f"{AUTH}{path}", json={"email": email})
            assert (answer.status_code, answer.data) == (202, b"{}")
    eventually(lambda: len(box.mails_to(ADA["email"])) == 3)
    assert sorted(box.kinds_to(ADA["email"])) == ["reset_password", "verify_email", "verify_email"]
    assert not box.mails_to(NOBODY)


def test_a_mailbox_is_not_filled_by_who_asks_again_and_again(shop: Services, shopper: Account) -> None:
    def asked() -> bool:
        return mail_asked_link(shop.context, shopper.email, LinkKind.RESET_PASSWORD)

    assert [asked(), asked()] == [True, False]
    outcomes = []
    for _ in range(MOST_A_DAY):
        age_links(shop)
        outcomes.append(asked())
    assert outcomes == [True] * (MOST_A_DAY - 1) + [False]


@pytest.mark.parametrize("state", ["banned_at", "email_verified_at"])
def test_an_account_is_mailed_no_link_that_is_of_no_use_to_it(
    shop: Services, shopper: Account, state: str
) -> None:
    with shop.database.transaction() as session:
        session.execute(update(User).values({state: User.created_at}))
    assert not mail_asked_link(shop.context, shopper.email, LinkKind.VERIFY_EMAIL)


def test_a_reset_ends_every_log_in_confirms_the_address_and_is_told(
    client: FlaskClient, box: Letterbox, make_account: MakeAccount
) -> None:
    account = make_account()
    assert post(client, "/password/forgot", email=account.email) == 202
    token = box.token_to(account.email, MailKind.RESET_PASSWORD)
    assert client.get("/api/v1/me", headers=account.headers).status_code == 200
    assert post(client, "/password/reset", token=token, password=NEW) == 204
    assert client.get("/api/v1/me", headers=account.headers).status_code == 401
    assert client.post(f"{AUTH}/refresh", headers=account.refresh_headers).status_code == 401
    assert post(client, "/login", email=account.email, password=PASSWORD) == 401
    tokens = client.post(f"{AUTH}/login", json={"email": account.email, "password": NEW}).get_json()
    assert tokens["user"]["email_verified"] is True
    assert box.mails_to(account.email)[-1].contents == {"change": "password_reset"}


def test_a_password_that_is_refused_leaves_the_link_good(
    client: FlaskClient, box: Letterbox, make_account: MakeAccount
) -> None:
    account = make_account()
    post(client, "/password/forgot", email=account.email)
    token = box.token_to(account.email, MailKind.RESET_PASSWORD)
    refused = client.post(f"{AUTH}/password/reset", json={"token": token, "password": account.email})
    assert_problem(refused, 422, code="invalid_fields")
    assert list(refused.get_json()["errors"]) == ["password"]
    assert post(client, "/password/reset", token=token, password=NEW) == 204
    assert post(client, "/password/reset", token=token, password=NEW) == 410


def test_without_mail_nothing_is_promised(make_app: MakeApp) -> None:
    client = make_app(mail=None).test_client()
    assert post(client, "/register", **ADA) == 201
    assert_problem(client.post(f"{AUTH}/register", json=ADA), 409, code="email_taken")
    for path in ("/password/forgot", "/verify/resend"):
        assert_problem(client.post(f"{AUTH}{path}", json={"email": ADA["email"]}), 409, code="no_mail")


def test_what_is_asked_for_while_the_ledger_is_away_is_mailed_when_it_is_back() -> None:
    tried: list[str] = []
    is_mailed = threading.Event()

    def mail(email: str, kind: LinkKind) -> None:
        tried.append(email)
        if len(tried) < TRIES:
            raise LedgerUnavailable("It is away.")
        assert kind is LinkKind.RESET_PASSWORD
        is_mailed.set()

    AskedLinks(mail, rest=lambda _s: None).ask(NOBODY, LinkKind.RESET_PASSWORD)
    assert is_mailed.wait(30)


def test_an_address_is_written_so_that_only_its_owner_knows_it() -> None:
    assert masked("ada.lovelace@example.com") == "a…@example.com"
