"""Accounts: signing up, in and out, and the rotation of refresh tokens."""

import threading
import time
import uuid
from datetime import timedelta
from typing import Any

import jwt
import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from config import LogInSettings
from models.tables.accounts import TokenFamily, User
from tasks.accounts.log_ins import Renewal, renew_log_ins
from tests.integration.conftest import CHEAP_KIB, PASSWORD, Account, MakeAccount, MakeApp
from tests.support.polling import eventually
from tests.support.problems import assert_problem
from tests.support.threads import at_once
from web.http.services import EXTENSION, Services

REGISTER = "/api/v1/auth/register"
LOGIN = "/api/v1/auth/login"
REFRESH = "/api/v1/auth/refresh"
LOGOUT = "/api/v1/auth/logout"
ME = "/api/v1/me"
UNVERIFIED: Any = {"verify_signature": False}
TODAYS = f"$m={CHEAP_KIB},t=1,p=1$"  # parameters of a hash, as this run has them
ADA = {"email": "ada@example.com", "password": PASSWORD}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_new_account_can_sign_in_and_is_a_shopper(client: FlaskClient) -> None:
    made = client.post(REGISTER, json={**ADA, "name": "Ada"})
    assert (made.status_code, set(made.get_json())) == (201, {"user"})
    answer = client.post(LOGIN, json=ADA)
    tokens = answer.get_json()
    assert answer.status_code == 200
    assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    me = client.get(ME, headers=bearer(tokens["access_token"])).get_json()
    assert me == {
        "id": made.get_json()["user"]["id"],
        "email": ADA["email"],
        "name": "Ada",
        "role": "shopper",
        "staff_role": None,
        "email_verified": False,
        "language": None,
        "time_zone": None,
        "terms_version": None,
    }


@pytest.mark.parametrize("name", ["A\x9bda", "A\u202eda", "A\u2066da\u2069", "Ada\u200b", "A\nda", "A\tda"])
def test_a_name_that_is_not_what_it_looks_like_is_refused(client: FlaskClient, name: str) -> None:
    refused = client.post(REGISTER, json={**ADA, "name": name})
    assert (refused.status_code, list(refused.get_json()["errors"])) == (422, ["name"])
    assert client.post(REGISTER, json={**ADA, "name": "Zoë 👩‍👩‍👧 آدا"}).status_code == 201


def test_an_email_is_one_account_in_whatever_case(make_app: MakeApp) -> None:
    client = make_app(mail=None).test_client()
    assert client.post(REGISTER, json=ADA).status_code == 201
    again = client.post(REGISTER, json={**ADA, "email": "ADA@Example.COM"})
    assert (again.status_code, again.get_json()["code"]) == (409, "email_taken")
    assert client.post(LOGIN, json={**ADA, "email": " Ada@example.com "}).status_code == 200


def test_two_who_register_one_email_at_once_are_one_account(make_app: MakeApp) -> None:
    app = make_app(mail=None)

    def register() -> int:
        return app.test_client().post(REGISTER, json=ADA).status_code

    assert sorted(at_once(*[register] * 4)) == [201, 409, 409, 409]


@pytest.mark.parametrize("bad", [{"password": "wrong password"}, {"email": "nobody@example.com"}])
def test_wrong_credentials_are_one_and_the_same_401(client: FlaskClient, bad: dict[str, str]) -> None:
    client.post(REGISTER, json=ADA)
    answer = client.post(LOGIN, json={**ADA, **bad})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "bad_credentials")


def test_an_unknown_email_costs_a_hash_like_a_known_one(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, stored: str, password: str) -> bool:
        hashed.append(stored)
        return bool(verify(self, stored, password))

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    client.post(LOGIN, json=ADA)
    assert len(hashed) == 1
    assert TODAYS in hashed[0]


def test_an_account_without_a_password_cannot_sign_in(
    client: FlaskClient, parts: Services, shopper: Account
) -> None:
    with parts.database.transaction() as session:
        session.execute(update(User).values(password_hash=None))
    for password in ("", "None", PASSWORD):
        answer = client.post(LOGIN, json={"email": shopper.email, "password": password})
        assert answer.status_code in {401, 422}


def test_a_hash_of_older_parameters_is_renewed_at_sign_in(
    client: FlaskClient, parts: Services, shopper: Account
) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with parts.database.transaction() as session:
        session.execute(update(User).values(password_hash=old))
    assert client.post(LOGIN, json={"email": shopper.email, "password": PASSWORD}).status_code == 200
    with parts.database.transaction() as session:
        renewed = session.scalar(select(User.password_hash))
    assert renewed is not None
    assert TODAYS in renewed
    assert client.post(LOGIN, json={"email": shopper.email, "password": PASSWORD}).status_code == 200


def test_a_refresh_spends_the_token_and_gives_new_ones(client: FlaskClient, shopper: Account) -> None:
    answer = client.post(REFRESH, headers=shopper.refresh_headers)
    renewed = answer.get_json()
    assert answer.status_code == 200
    assert set(renewed) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert client.get(ME, headers=bearer(renewed["access_token"])).status_code == 200
    assert client.post(REFRESH, headers=bearer(renewed["refresh_token"])).status_code == 200


def test_a_spent_refresh_token_revokes_its_family(client: FlaskClient, shopper: Account) -> None:
    renewed = client.post(REFRESH, headers=shopper.refresh_headers).get_json()
    reused = client.post(REFRESH, headers=shopper.refresh_headers)
    assert (reused.status_code, reused.get_json()["code"]) == (401, "token_reused")
    assert "WWW-Authenticate" in reused.headers
    for token in (renewed["access_token"], shopper.access_token):
        assert client.get(ME, headers=bearer(token)).status_code == 401
    assert client.post(REFRESH, headers=bearer(renewed["refresh_token"])).status_code == 401


def test_a_spent_token_does_not_touch_other_log_ins(client: FlaskClient, shopper: Account) -> None:
    other = client.post(LOGIN, json={"email": shopper.email, "password": PASSWORD}).get_json()
    client.post(REFRESH, headers=shopper.refresh_headers)
    client.post(REFRESH, headers=shopper.refresh_headers)
    assert client.get(ME, headers=bearer(other["access_token"])).status_code == 200


def test_of_many_who_show_one_refresh_token_at_once_one_wins(app: Any, shopper: Account) -> None:
    def renew() -> Any:
        return app.test_client().post(REFRESH, headers=shopper.refresh_headers).status_code

    assert sorted(at_once(*[renew] * 6)) == [200] + [401] * 5


def test_of_log_ins_renewed_in_one_statement_each_gets_its_own_and_a_token_counts_once(
    parts: Services, make_account: MakeAccount
) -> None:
    ann, bob = make_account(), make_account()
    shown = {who: jwt.decode(who.refresh_token, options=UNVERIFIED)["jti"] for who in (ann, bob)}
    renewals = [Renewal(who.family, uuid.UUID(shown[who]), uuid.uuid4()) for who in (ann, bob, ann)]
    renewed = renew_log_ins(parts.context, renewals)
    owners = [one.user.id if one else None for one in renewed]
    assert owners in ([ann.id, bob.id, None], [None, bob.id, ann.id])
    with parts.database.transaction() as session:
        rows = session.execute(select(TokenFamily.user_id, TokenFamily.newest_jti))
        newest = {row.user_id: row.newest_jti for row in rows}
    won = {one.user.id: asked.newest for one, asked in zip(renewed, renewals, strict=True) if one}
    assert newest == won


def test_while_passwords_queue_up_one_more_is_told_when_to_come_again_and_a_refresh_is_not_kept_waiting(
    make_app: MakeApp, shopper: Account
) -> None:
    app, gate = make_app(log_ins=LogInSettings(queue=0)), threading.Event()
    client, passwords = app.test_client(), app.extensions[EXTENSION].passwords

    def occupy() -> None:
        with passwords.turn():
            gate.wait(20)

    hashing = threading.Thread(target=occupy)
    hashing.start()
    eventually(lambda: passwords.share._inside == 1)
    try:
        for path, body in ((LOGIN, {"email": shopper.email, "password": PASSWORD}), (REGISTER, ADA)):
            answer = client.post(path, json=body)
            assert_problem(answer, 503, code="busy")
            assert int(answer.headers["Retry-After"]) >= 1
        assert client.post(REFRESH, headers=shopper.refresh_headers).status_code == 200
    finally:
        gate.set()
        hashing.join(20)
    assert client.post(REGISTER, json=ADA).status_code == 201


def test_an_access_token_is_no_refresh_token(client: FlaskClient, shopper: Account) -> None:
    answer = client.post(REFRESH, headers=shopper.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated")


def test_a_log_out_ends_both_tokens(client: FlaskClient, shopper: Account) -> None:
    assert client.post(LOGOUT, headers=shopper.headers).status_code == 204
    assert client.get(ME, headers=shopper.headers).status_code == 401
    assert client.post(REFRESH, headers=shopper.refresh_headers).status_code == 401
    assert client.post(LOGOUT, headers=shopper.headers).status_code == 401


def test_a_log_in_ends_at_its_time_however_often_it_is_refreshed(
    make_app: MakeApp, shopper: Account, parts: Services
) -> None:
    client = make_app(session_s=1000).test_client()
    tokens = client.post(LOGIN, json={"email": shopper.email, "password": PASSWORD}).get_json()
    assert tokens["expires_in"] == 900
    began_ago(parts, shopper, 200)
    tokens = client.post(REFRESH, headers=bearer(tokens["refresh_token"])).get_json()
    assert 1 <= tokens["expires_in"] <= 800  # what is left of the log-in, not another quarter of an hour
    for token in (tokens["access_token"], tokens["refresh_token"]):
        lives_s = jwt.decode(token, options={"verify_signature": False})["exp"] - time.time()
        assert lives_s <= 801
    with parts.database.transaction() as session:
        mine = select(TokenFamily).where(TokenFamily.user_id == shopper.id)
        family = session.scalars(mine.where(TokenFamily.id != shopper.family)).one()
        assert family.expires_at <= family.created_at + timedelta(seconds=1000)
    began_ago(parts, shopper, 1001)
    refused = client.post(REFRESH, headers=bearer(tokens["refresh_token"]))
    assert (refused.status_code, refused.get_json()["code"]) == (401, "unauthenticated")
    still = make_app(session_s=100_000).test_client()  # it was not revoked: only its time is over
    assert still.post(REFRESH, headers=bearer(tokens["refresh_token"])).status_code == 200


def began_ago(parts: Services, account: Account, seconds: int) -> None:
    """Let an account's log-ins have begun so long ago."""
    ago = func.now() - timedelta(seconds=seconds)
    lives = func.now() + timedelta(days=1)
    with parts.database.transaction() as session:
        mine = update(TokenFamily).where(TokenFamily.user_id == account.id)
        session.execute(mine.values(created_at=ago, expires_at=lives))
