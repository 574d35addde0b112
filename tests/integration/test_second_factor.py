"""Second factors: codes of an app and recovery codes, each good once; log-ins that are asked again."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyotp import TOTP
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from config import MailSettings, Settings
from models.enums import AdminAction, Role, StaffRole
from models.errors import BadCode
from models.tables.accounts import RecoveryCode, User
from models.tables.admin_log import AdminLogEntry
from models.tables.mails import Mail
from tasks.accounts import codes, confirming
from tasks.accounts.second_factor import seal_again
from tests.integration.conftest import PASSWORD, SECRET_KEY, Account, MakeAccount, MakeApp
from tests.oracle.routes import ID
from tests.support.problems import assert_problem
from web.http.services import EXTENSION, Services

FACTOR = "/api/v1/me/second-factor"
LOGIN = "/api/v1/auth/login"
CONFIRM = "/api/v1/auth/confirm"
ME = "/api/v1/me"
NEW_KEY = "5b1f94e0b35f28a6d0417be9f3a86c5248be90d17f"
MAIL = MailSettings("127.0.0.1", 25, "none", "", "", "Shop", "shop@example.com")
STEP_S = 30


@dataclass
class Phone:
    """An authenticator app, and the clock of everybody: each code is of a step of its own."""

    now: float = 1_800_000_000.0
    secret: str = ""

    def code(self, *, steps: int = 0) -> str:
        return TOTP(self.secret).at(self.now + steps * STEP_S)

    def next_code(self) -> str:
        self.now += STEP_S
        return self.code()

    @property
    def wrong(self) -> str:
        good = {self.code(steps=step) for step in (-1, 0, 1)}
        return next(code for code in ("000000", "111111", "222222", "333333") if code not in good)


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> Phone:
    phone = Phone()
    monkeypatch.setattr(codes, "time", SimpleNamespace(time=lambda: phone.now))
    return phone


@pytest.fixture
def guarded(client: FlaskClient, shopper: Account, phone: Phone) -> tuple[Account, list[str]]:
    """An account with a second factor, and its recovery codes."""
    return shopper, switch_on(client, shopper, phone)


def switch_on(client: FlaskClient, account: Account, phone: Phone) -> list[str]:
    phone.secret = client.post(FACTOR, headers=account.headers).get_json()["secret"]
    told = client.post(f"{FACTOR}/confirm", headers=account.headers, json={"code": phone.next_code()})
    assert told.status_code == 200, told.data
    given: list[str] = told.get_json()["recovery_codes"]
    return given


def log_in(client: FlaskClient, account: Account, **more: Any) -> TestResponse:
    return client.post(LOGIN, json={"email": account.email, "password": PASSWORD, **more})


def make_old(parts: Services, account: Account) -> None:
    """Let the log-in have begun an hour ago, and never been confirmed."""
    statement = (
        "UPDATE token_families SET created_at = now() - interval '1 hour', confirmed_at = NULL WHERE id = :id"
    )
    with parts.database.connection() as connection:
        connection.execute(text(statement), {"id": account.family})


def test_it_counts_from_its_first_code_on_and_other_log_ins_end(
    client: FlaskClient, shopper: Account, phone: Phone
) -> None:
    other = {"Authorization": f"Bearer {log_in(client, shopper).get_json()['access_token']}"}
    made = client.post(FACTOR, headers=shopper.headers)
    told = made.get_json()
    phone.secret = told["secret"]
    picture = ElementTree.fromstring(told["svg"])  # noqa: S314 - our own
    assert (made.status_code, picture.get("role"), picture.find("title") is not None) == (201, "img", True)
    assert told["uri"].startswith("otpauth://totp/")
    assert f"secret={phone.secret}" in told["uri"]
    assert log_in(client, shopper).status_code == 200  # nothing counts yet
    refused = client.post(f"{FACTOR}/confirm", headers=shopper.headers, json={"code": phone.wrong})
    assert_problem(refused, 401, code="bad_code")
    given = client.post(f"{FACTOR}/confirm", headers=shopper.headers, json={"code": phone.code()})
    assert len(set(given.get_json()["recovery_codes"])) == codes.RECOVERY_CODES
    assert client.get(ME, headers=other).status_code == 401
    state = client.get(FACTOR, headers=shopper.headers).get_json()
    assert (state["enabled"], state["recovery_codes_left"]) == (True, codes.RECOVERY_CODES)
    assert_problem(client.post(FACTOR, headers=shopper.headers), 409, code="second_factor_on")


def test_a_log_in_takes_the_code_and_each_code_once(
    client: FlaskClient, guarded: tuple[Account, list[str]], phone: Phone
) -> None:
    account, recovery = guarded
    assert_problem(log_in(client, account), 401, code="second_factor_required")
    assert_problem(log_in(client, account, code=phone.code()), 401, code="bad_code")  # it switched it on
    assert_problem(
        log_in(client, account, password="wrong", code=phone.next_code()), 401, code="bad_credentials"
    )
    assert_problem(log_in(client, account, code=phone.wrong), 401, code="bad_code")
    assert log_in(client, account, code=phone.code()).status_code == 200
    assert_problem(log_in(client, account, code=phone.code()), 401, code="bad_code")
    assert log_in(client, account, code=phone.code(steps=1)).status_code == 200  # a clock that is ahead
    assert_problem(log_in(client, account, code=phone.code(steps=2)), 401, code="bad_code")
    assert log_in(client, account, code=recovery[0].upper().replace("-", " ")).status_code == 200
    assert_problem(log_in(client, account, code=recovery[0]), 401, code="bad_code")
    page = {"email": account.email, "password": PASSWORD}
    assert_problem(client.post("/session", json=page), 401, code="second_factor_required")
    assert client.post("/session", json={**page, "code": recovery[1]}).status_code == 200


def test_of_a_hundred_who_use_one_code_at_once_one_can(
    parts: Services, guarded: tuple[Account, list[str]], phone: Phone
) -> None:
    account, recovery = guarded

    def use(code: str) -> bool:
        try:
            confirming.confirm_by_code(parts.context, account.id, account.family, code)
        except BadCode:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(use, [phone.next_code()] * 100)) == 1
        assert sum(threads.map(use, [recovery[3]] * 100)) == 1


def test_the_ledger_holds_no_secret_and_no_code(
    parts: Services, guarded: tuple[Account, list[str]], phone: Phone
) -> None:
    account, recovery = guarded
    with parts.database.transaction() as session:
        user = session.get_one(User, account.id)
        assert phone.secret not in str(user.totp_secret)
        kept = b"".join(session.scalars(select(RecoveryCode.digest)))
    assert not any(code.replace("-", "").encode() in kept for code in recovery)


def test_a_change_of_the_key_is_survived_once_secrets_are_sealed_again(
    make_app: MakeApp, guarded: tuple[Account, list[str]], phone: Phone
) -> None:
    account, recovery = guarded
    changing = make_app(secret_key=NEW_KEY, old_secret_keys=(SECRET_KEY,))
    after = make_app(secret_key=NEW_KEY).test_client()
    assert_problem(log_in(after, account, code=phone.next_code()), 401, code="bad_code")
    assert log_in(after, account, code=recovery[0]).status_code == 200  # recovery codes need no key
    context = changing.extensions[EXTENSION].context
    assert (seal_again(context), seal_again(context)) == (1, 0)
    assert log_in(after, account, code=phone.next_code()).status_code == 200


def test_what_an_old_key_sealed_is_sealed_again_when_it_is_used(
    make_app: MakeApp, guarded: tuple[Account, list[str]], phone: Phone
) -> None:
    account, _ = guarded
    changing = make_app(secret_key=NEW_KEY, old_secret_keys=(SECRET_KEY,))
    assert log_in(changing.test_client(), account, code=phone.next_code()).status_code == 200
    assert seal_again(changing.extensions[EXTENSION].context) == 0


def test_what_is_dangerous_asks_again(
    client: FlaskClient, parts: Services, shopper: Account, phone: Phone
) -> None:
    make_old(parts, shopper)
    assert_problem(client.post(FACTOR, headers=shopper.headers), 403, code="confirmation_required")
    for body, status, code in (
        ({"password": "wrong"}, 401, "bad_credentials"),
        ({"code": "123456"}, 409, "no_second_factor"),
        ({"password": PASSWORD, "code": "123456"}, 422, "invalid_fields"),
        ({}, 422, "invalid_fields"),
    ):
        assert_problem(client.post(CONFIRM, headers=shopper.headers, json=body), status, code=code)
    assert client.post(CONFIRM, headers=shopper.headers, json={"password": PASSWORD}).status_code == 204
    switch_on(client, shopper, phone)
    make_old(parts, shopper)
    assert_problem(client.get(f"{ME}/export", headers=shopper.headers), 403, code="confirmation_required")
    renew = f"{FACTOR}/recovery-codes"
    assert_problem(client.post(renew, headers=shopper.headers), 403, code="confirmation_required")
    by_password = client.post(CONFIRM, headers=shopper.headers, json={"password": PASSWORD})
    assert_problem(by_password, 401, code="second_factor_required")  # the code is what counts
    by_code = client.post(CONFIRM, headers=shopper.headers, json={"code": phone.next_code()})
    assert by_code.status_code == 204
    assert (
        len(client.post(renew, headers=shopper.headers).get_json()["recovery_codes"]) == codes.RECOVERY_CODES
    )


def test_it_is_switched_off_by_a_code(
    client: FlaskClient, guarded: tuple[Account, list[str]], phone: Phone
) -> None:
    account, recovery = guarded
    assert_problem(
        client.delete(FACTOR, headers=account.headers, json={"code": phone.code()}), 401, code="bad_code"
    )
    assert client.delete(FACTOR, headers=account.headers, json={"code": recovery[2]}).status_code == 204
    assert log_in(client, account).status_code == 200
    off = client.delete(FACTOR, headers=account.headers, json={"code": phone.next_code()})
    assert_problem(off, 409, code="no_second_factor")


def test_wrong_codes_are_limited_as_passwords_are(
    make_app: MakeApp, settings: Settings, guarded: tuple[Account, list[str]], phone: Phone
) -> None:
    account, _ = guarded
    limits = replace(settings.rate_limits, login="3/minute")
    client = make_app(rate_limits=limits).test_client()
    tries = [log_in(client, account, code=phone.wrong).status_code for _ in range(5)]
    assert (tries[:3], tries[-1]) == ([401] * 3, 429)
    again = client.post(CONFIRM, headers=account.headers, json={"code": phone.next_code()})
    assert again.status_code == 429  # whichever way they are tried


def test_each_change_is_told_by_mail(make_app: MakeApp, shopper: Account, phone: Phone) -> None:
    app = make_app(mail=MAIL)
    client, parts = app.test_client(), app.extensions[EXTENSION]
    recovery = switch_on(client, shopper, phone)
    renewed = client.post(f"{FACTOR}/recovery-codes", headers=shopper.headers).get_json()
    assert_problem(log_in(client, shopper, code=recovery[0]), 401, code="bad_code")  # of the old ones
    assert log_in(client, shopper, code=renewed["recovery_codes"][0]).status_code == 200
    client.delete(FACTOR, headers=shopper.headers, json={"code": phone.next_code()})
    with parts.database.transaction() as session:
        told = [mail.contents["change"] for mail in session.scalars(select(Mail).order_by(Mail.created_at))]
    assert told == ["second_factor_on", "recovery_codes", "recovery_code_used", "second_factor_off"]


def test_an_owner_resets_anothers_and_not_the_own(
    client: FlaskClient, parts: Services, make_account: MakeAccount, phone: Phone
) -> None:
    owner, other = make_account(Role.ADMIN), make_account(Role.ADMIN)
    switch_on(client, other, phone)
    path = f"/api/v1/admin/shoppers/{other.id}/second-factor"
    operator = make_account(Role.ADMIN, StaffRole.OPERATOR)
    assert_problem(client.delete(path, headers=operator.headers), 403, code="forbidden")
    assert_problem(client.delete(path, headers=other.headers), 409, code="own_second_factor")
    page = f"/admin/shoppers/{other.id}"
    pressed = f'data-action="DELETE {path}"'.encode()
    seen = [pressed in client.get(page, headers=who.headers).data for who in (owner, other, operator)]
    assert seen == [True, False, False]
    assert client.delete(path, headers=owner.headers).get_json()["second_factor"] is False
    assert client.get(ME, headers=other.headers).status_code == 401
    assert log_in(client, other).status_code == 200
    with parts.database.transaction() as session:
        entry = session.scalars(select(AdminLogEntry)).one()
        assert (entry.deed, entry.subject_id, entry.actor_id) == (
            AdminAction.FACTOR_RESET,
            other.id,
            owner.id,
        )


def test_the_command_line_resets_it_for_the_last_owner(
    app: Flask, client: FlaskClient, guarded: tuple[Account, list[str]]
) -> None:
    account, _ = guarded
    reset = ("users", "reset-second-factor", account.email.upper())
    assert app.test_cli_runner().invoke(args=list(reset)).exit_code == 0
    assert log_in(client, account).status_code == 200
    assert app.test_cli_runner().invoke(args=list(reset)).exit_code == 1


def test_staff_who_have_to_show_one_do_nothing_before(
    make_app: MakeApp, make_account: MakeAccount, phone: Phone
) -> None:
    app = make_app(staff_second_factor="required")
    client, owner, shopper = app.test_client(), make_account(Role.ADMIN), make_account()
    refused = client.get("/api/v1/admin/shoppers", headers=owner.headers)
    assert_problem(refused, 403, code="second_factor_missing")  # as the oracle is on every route
    intents = client.get(f"/api/v1/intents/{ID}", headers=owner.headers)
    assert intents.status_code == 404  # another's is none of theirs
    assert client.get(ME, headers=shopper.headers).status_code == 200
    switch_on(client, owner, phone)
    assert client.get("/api/v1/admin/shoppers", headers=owner.headers).status_code == 200


def test_what_permissions_ask_again_for_is_refused_to_an_old_log_in(
    client: FlaskClient, parts: Services, make_account: MakeAccount
) -> None:
    owner = make_account(Role.ADMIN)
    make_old(parts, owner)
    refund = f"/api/v1/orders/{ID}/refund"
    assert_problem(client.post(refund, headers=owner.headers, json={}), 403, code="confirmation_required")
    state = client.get(CONFIRM, headers=owner.headers).get_json()
    assert state == {"confirmed": False, "by": "password"}
    assert client.post(CONFIRM, headers=owner.headers, json={"password": PASSWORD}).status_code == 204
    assert_problem(client.post(refund, headers=owner.headers, json={}), 404, code="not_found")
