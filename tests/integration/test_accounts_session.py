"""The pages' session: HttpOnly cookies, and the CSRF token without which nothing changes by them."""

import time
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder, TestResponse

from tests.integration.conftest import PASSWORD, Account, MakeApp
from tests.support.polling import eventually
from web.sockets.socket import UPGRADE_POLICY

SESSION = "/session"
LOGOUT = "/api/v1/auth/logout"
ME = "/api/v1/me"
TOKENS = {"fs_access", "fs_refresh"}
READABLE = {"fs_csrf", "fs_refresh_csrf"}
DEVICE = "fs_device"


def sign_in(client: FlaskClient, account: Account) -> TestResponse:
    return client.post(SESSION, json={"email": account.email, "password": PASSWORD})


def csrf(client: FlaskClient, name: str = "fs_csrf", host: str = "localhost") -> dict[str, str]:
    cookie = client.get_cookie(name, domain=host)
    assert cookie is not None
    return {"X-CSRF-TOKEN": cookie.value}


def cookies_of(answer: TestResponse) -> dict[str, str]:
    return {line.partition("=")[0]: line for line in answer.headers.getlist("Set-Cookie")}


def test_signing_in_sets_cookies_and_shows_no_token(client: FlaskClient, shopper: Account) -> None:
    answer = sign_in(client, shopper)
    assert (answer.status_code, set(answer.get_json())) == (200, {"user"})
    cookies = cookies_of(answer)
    assert set(cookies) == TOKENS | READABLE | {DEVICE}
    assert all("HttpOnly" in cookies[name] for name in TOKENS | {DEVICE})
    assert not any("HttpOnly" in cookies[name] for name in READABLE)
    assert all("SameSite=Lax" in line and "Secure" not in line for line in cookies.values())
    assert all("Path=/session" in cookies[name] for name in ("fs_refresh", DEVICE))
    assert client.get(ME).get_json()["email"] == shopper.email


def test_cookies_of_production_are_this_hosts_alone(make_app: MakeApp, shopper: Account) -> None:
    client = make_app(environment="production").test_client()
    https: Any = {"base_url": "https://shop.example"}
    begun = client.post(SESSION, json={"email": shopper.email, "password": PASSWORD}, **https)
    spoken = client.post("/language", data={"language": "de"}, **https)
    ended = client.delete(SESSION, headers=csrf(client, "__Host-fs_csrf", "shop.example"), **https)
    for answer, names in (
        (begun, TOKENS | READABLE | {"fs_device"}),
        (spoken, {"fs_language"}),
        (ended, TOKENS | READABLE),
    ):
        assert answer.status_code < 400
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        cookies = cookies_of(answer)
        assert set(cookies) == {f"__Host-{name}" for name in names}
        for line in cookies.values():
            assert {"Secure", "Path=/"} <= set(line.split("; "))
            assert "Domain" not in line


def test_who_is_logged_in_by_cookies_of_production_stays_so(make_app: MakeApp, shopper: Account) -> None:
    client = make_app(environment="production").test_client()
    https: Any = {"base_url": "https://shop.example"}
    client.post(SESSION, json={"email": shopper.email, "password": PASSWORD}, **https)
    assert client.get(ME, **https).get_json()["email"] == shopper.email
    page = client.get("/orders", **https).get_data(as_text=True)
    assert 'data-session="in" data-cookie-prefix="__Host-"' in page
    client.delete_cookie("__Host-fs_access", domain="shop.example")
    assert 'data-session="renewable"' in client.get("/login", **https).get_data(as_text=True)
    headers = csrf(client, "__Host-fs_refresh_csrf", "shop.example")
    assert client.post(f"{SESSION}/refresh", headers=headers, **https).status_code == 200
    assert client.get(ME, **https).status_code == 200
    planted = make_app(environment="production").test_client()  # by another host of the domain, e.g.
    planted.set_cookie("fs_access", shopper.access_token, domain="shop.example")
    assert planted.get(ME, **https).status_code == 401


@pytest.mark.parametrize(
    ("environment", "name", "is_known"),
    [
        ("production", "__Host-fs_access", True),
        ("production", "fs_access", False),
        ("development", "fs_access", True),
        ("development", "__Host-fs_access", False),
    ],
)
def test_a_socket_is_known_by_the_cookie_of_its_environment(
    make_app: MakeApp, shopper: Account, environment: str, name: str, is_known: bool
) -> None:
    policy = make_app(environment=environment).extensions[UPGRADE_POLICY]
    headers: Any = {
        "Origin": "https://shop.example",
        "Cookie": f"{name}={shopper.access_token}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    asked = EnvironBuilder(path="/ws", base_url="https://shop.example", headers=headers)
    verified = policy.judge(asked.get_environ())
    assert (verified is not None) == is_known
    assert verified is None or verified.identity.user_id == shopper.id


@pytest.mark.parametrize("token", [None, "", "wrong", "é"])
def test_a_change_by_cookie_needs_the_csrf_token(
    client: FlaskClient, shopper: Account, token: str | None
) -> None:
    sign_in(client, shopper)
    headers = {} if token is None else {"X-CSRF-TOKEN": token}
    answer = client.post(LOGOUT, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "csrf_failed")
    assert client.get(ME).status_code == 200


def test_another_log_ins_csrf_token_does_not_do(
    client: FlaskClient, shopper: Account, make_app: MakeApp
) -> None:
    stranger = make_app().test_client()
    sign_in(stranger, shopper)
    sign_in(client, shopper)
    assert client.post(LOGOUT, headers=csrf(stranger)).status_code == 403
    assert client.post(LOGOUT, headers=csrf(client)).status_code == 204


def test_a_bearer_needs_no_csrf_token_even_beside_a_cookie(client: FlaskClient, shopper: Account) -> None:
    sign_in(client, shopper)
    assert client.post(LOGOUT, headers=shopper.headers).status_code == 204


def test_a_bad_bearer_is_not_saved_by_a_good_cookie(client: FlaskClient, shopper: Account) -> None:
    sign_in(client, shopper)
    assert client.get(ME, headers={"Authorization": "Bearer garbage"}).status_code == 401


def test_the_session_is_renewed_by_its_refresh_cookie(client: FlaskClient, shopper: Account) -> None:
    sign_in(client, shopper)
    assert client.post(f"{SESSION}/refresh").status_code == 403
    assert client.post(f"{SESSION}/refresh", headers=csrf(client)).status_code == 403
    spent = client.get_cookie("fs_refresh", path=SESSION)
    answer = client.post(f"{SESSION}/refresh", headers=csrf(client, "fs_refresh_csrf"))
    assert (answer.status_code, set(cookies_of(answer))) == (200, TOKENS | READABLE)
    renewed = client.get_cookie("fs_refresh", path=SESSION)
    assert spent is not None
    assert renewed is not None
    assert spent.value != renewed.value
    word = answer.get_json()["socket_renewal"]
    assert int(word.partition(".")[0]) > time.time()
    assert client.get(ME, headers={"Authorization": f"Bearer {word}"}).status_code == 401


def test_signing_out_takes_the_cookies_and_revokes_the_family(client: FlaskClient, shopper: Account) -> None:
    sign_in(client, shopper)
    access = client.get_cookie("fs_access")
    answer = client.delete(SESSION, headers=csrf(client))
    assert answer.status_code == 204
    assert set(cookies_of(answer)) == TOKENS | READABLE
    assert all(client.get_cookie(name) is None for name in ("fs_access", "fs_csrf"))
    assert access is not None
    assert client.get(ME, headers={"Authorization": f"Bearer {access.value}"}).status_code == 401


def test_signing_out_works_by_the_refresh_cookie_alone(client: FlaskClient, shopper: Account) -> None:
    sign_in(client, shopper)
    headers = csrf(client, "fs_refresh_csrf")
    kept = client.get_cookie("fs_access")
    client.delete_cookie("fs_access")
    assert client.delete(SESSION, headers=headers).status_code == 204
    assert kept is not None
    assert client.get(ME, headers={"Authorization": f"Bearer {kept.value}"}).status_code == 401


def test_signing_out_when_signed_out_is_fine(client: FlaskClient) -> None:
    assert client.delete(SESSION).status_code == 204


def test_a_form_cannot_sign_anybody_in(client: FlaskClient, shopper: Account) -> None:
    answer = client.post(SESSION, data={"email": shopper.email, "password": PASSWORD})
    assert answer.status_code == 415
    assert "Set-Cookie" not in answer.headers


def test_logging_out_everywhere_ends_every_log_in_of_the_account_and_no_others(
    client: FlaskClient, make_app: MakeApp, shopper: Account, admin: Account
) -> None:
    elsewhere = make_app().test_client()
    assert elsewhere.get(ME, headers=shopper.headers).status_code == 200
    sign_in(client, shopper)
    without = client.delete(f"{SESSION}/everywhere")
    assert (without.status_code, without.get_json()["code"]) == (403, "csrf_failed")
    answer = client.delete(f"{SESSION}/everywhere", headers=csrf(client))
    assert answer.status_code == 204
    assert client.get_cookie("fs_access") is None
    eventually(lambda: elsewhere.get(ME, headers=shopper.headers).status_code == 401)
    assert client.post("/api/v1/auth/refresh", headers=shopper.refresh_headers).status_code == 401
    assert elsewhere.get(ME, headers=admin.headers).status_code == 200


def test_a_client_with_tokens_may_log_out_everywhere_too(client: FlaskClient, shopper: Account) -> None:
    tokens = client.post("/api/v1/auth/login", json={"email": shopper.email, "password": PASSWORD}).get_json()
    assert client.post("/api/v1/auth/logout-everywhere", headers=shopper.headers).status_code == 204
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.get(ME, headers=bearer).status_code == 401
