"""One's own account: what can be changed, by whom, and where one is logged in."""

import uuid

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models.enums import MailKind
from tests.integration.conftest import PASSWORD, Account, MakeAccount, MakeApp
from tests.integration.mailed_app import box, client, shop
from tests.support.letterbox import Letterbox
from tests.support.postbox import Postbox
from tests.support.problems import assert_problem
from web.auth.hashing import Passwords

__all__ = ["box", "client", "shop"]

ME = "/api/v1/me"
LOGIN = "/api/v1/auth/login"
VERIFY = "/api/v1/auth/verify"
SESSIONS = "/api/v1/me/sessions"
NEW = "another one, and quite long"
NEW_EMAIL = "new@example.com"


@pytest.fixture
def mailing(make_app: MakeApp) -> Flask:
    return make_app(mail=Postbox(port=9).settings)


def log_in(client: FlaskClient, email: str, password: str = PASSWORD, agent: str = "") -> dict[str, str]:
    answer = client.post(LOGIN, json={"email": email, "password": password}, headers={"User-Agent": agent})
    assert answer.status_code == 200, answer.get_json()
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


def test_name_language_and_time_zone_are_changed_and_taken_back(
    client: FlaskClient, shopper: Account
) -> None:
    wanted = {"name": "Ada", "language": "de", "time_zone": "Europe/Berlin"}
    changed = client.patch(ME, json=wanted, headers=shopper.headers)
    assert changed.status_code == 200
    assert wanted.items() <= client.get(ME, headers=shopper.headers).get_json().items()
    assert "fs_language=de" in changed.headers["Set-Cookie"]
    emptied = client.patch(ME, json={"language": None, "time_zone": None}, headers=shopper.headers)
    assert (emptied.get_json()["language"], emptied.get_json()["name"]) == (None, "Ada")


@pytest.mark.parametrize(
    "bad", [{"language": "tlh"}, {"time_zone": "Europe/Nowhere"}, {"name": "A\nda"}, {"role": "admin"}]
)
def test_what_is_no_setting_is_refused_at_its_field(
    client: FlaskClient, shopper: Account, bad: dict[str, str]
) -> None:
    refused = client.patch(ME, json=bad, headers=shopper.headers)
    assert_problem(refused, 422)
    assert list(refused.get_json()["errors"]) == list(bad)


def test_a_new_password_takes_the_present_one_and_ends_the_other_log_ins(
    client: FlaskClient, box: Letterbox, shopper: Account
) -> None:
    other = log_in(client, shopper.email)
    for present in ({}, {"current_password": "a wrong one"}):
        refused = client.patch(ME, json={"password": NEW, **present}, headers=shopper.headers)
        assert list(refused.get_json()["errors"]) == ["current_password"]
    weak = {"password": "password123", "current_password": PASSWORD}
    assert list(client.patch(ME, json=weak, headers=shopper.headers).get_json()["errors"]) == ["password"]
    changed = client.patch(ME, json={"password": NEW, "current_password": PASSWORD}, headers=shopper.headers)
    assert changed.status_code == 200
    assert client.get(ME, headers=shopper.headers).status_code == 200
    assert client.get(ME, headers=other).status_code == 401
    assert log_in(client, shopper.email, NEW)
    assert box.mails_to(shopper.email)[-1].contents == {"change": "password_changed"}


def test_a_new_address_is_the_accounts_once_its_link_was_used(
    client: FlaskClient, box: Letterbox, shopper: Account
) -> None:
    other = log_in(client, shopper.email)
    asked = client.patch(ME, json={"email": NEW_EMAIL, "current_password": PASSWORD}, headers=shopper.headers)
    assert (asked.status_code, asked.get_json()["email"]) == (200, shopper.email)
    assert box.mails_to(shopper.email)[-1].contents == {"change": "email_asked", "email": "n…@example.com"}
    token = box.token_to(NEW_EMAIL, MailKind.NEW_ADDRESS)
    done = client.post(VERIFY, json={"token": token}, headers=shopper.headers)
    assert done.get_json() == {"email": NEW_EMAIL, "email_verified": True}
    assert client.get(ME, headers=shopper.headers).get_json()["email"] == NEW_EMAIL
    assert client.get(ME, headers=other).status_code == 401
    assert box.mails_to(shopper.email)[-1].contents["change"] == "email_changed"
    assert log_in(client, NEW_EMAIL)


def test_who_asks_for_an_address_is_not_told_that_it_is_somebody_elses(
    client: FlaskClient, box: Letterbox, make_account: MakeAccount
) -> None:
    known = make_account().email
    told = []
    for email in (known, NEW_EMAIL):
        account, wanted = make_account(), {"email": email, "current_password": PASSWORD}
        answers = [client.patch(ME, json=wanted, headers=account.headers) for _ in range(2)]
        told.append([(one.status_code, len(one.data)) for one in answers])
    assert told[0] == told[1]
    assert [status for status, _ in told[0]] == [200, 429]
    assert box.kinds_to(known) == ["known_address"]


def test_an_address_that_somebody_else_has_confirmed_first_is_theirs(
    client: FlaskClient, box: Letterbox, shopper: Account
) -> None:
    client.patch(ME, json={"email": NEW_EMAIL, "current_password": PASSWORD}, headers=shopper.headers)
    token = box.token_to(NEW_EMAIL, MailKind.NEW_ADDRESS)
    client.post("/api/v1/auth/register", json={"email": NEW_EMAIL, "password": PASSWORD})
    assert_problem(client.post(VERIFY, json={"token": token}), 409, code="email_taken")
    assert client.get(ME, headers=shopper.headers).get_json()["email"] == shopper.email


def test_a_password_that_was_reset_meanwhile_begins_no_log_in(
    client: FlaskClient, shopper: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify, looks = Passwords.verify, []

    def verify_while_it_is_changed(self: Passwords, stored: str | None, password: str) -> bool:
        looks.append(stored)
        if len(looks) == 1:
            client.patch(ME, json={"password": NEW, "current_password": PASSWORD}, headers=shopper.headers)
        return verify(self, stored, password)

    monkeypatch.setattr(Passwords, "verify", verify_while_it_is_changed)
    answer = client.post(LOGIN, json={"email": shopper.email, "password": PASSWORD})
    assert_problem(answer, 401, code="bad_credentials")


def test_log_ins_are_listed_with_where_they_are_and_ended_one_by_one_or_all(
    client: FlaskClient, make_account: MakeAccount
) -> None:
    account, stranger = make_account(), make_account()
    here = log_in(client, account.email, agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
    there = log_in(client, account.email, agent="curl/8\t" + "x" * 300)
    listed = client.get(SESSIONS, headers=here).get_json()["items"]
    assert [one["current"] for one in listed].count(True) == 1
    current = next(one for one in listed if one["current"])
    assert current["user_agent"].startswith("Mozilla/5.0")
    assert current["network"] == "127.0.0.1"
    [other] = [one for one in listed if one["user_agent"].startswith("curl/8 x")]
    assert len(other["user_agent"]) == 200
    assert_problem(client.delete(f"{SESSIONS}/{other['id']}", headers=stranger.headers), 404)
    assert client.delete(f"{SESSIONS}/{other['id']}", headers=here).status_code == 204
    assert client.get(ME, headers=there).status_code == 401
    assert_problem(client.delete(f"{SESSIONS}/{uuid.uuid4()}", headers=here), 404)
    assert client.delete(SESSIONS, headers=here).status_code == 204
    assert client.get(ME, headers=account.headers).status_code == 401
    assert len(client.get(SESSIONS, headers=here).get_json()["items"]) == 1
