"""SECRET_KEY is changed: while the old key stands behind the new one, nobody notices."""

import time

from flask.testing import FlaskClient

from tests.integration.conftest import PASSWORD, SECRET_KEY, Account, MakeApp
from web.auth.devices import Devices
from web.auth.tokens import ACCESS
from web.http.services import EXTENSION, Services

NEW = "7c1d94e0b35f28a6d0417be9f3a86c5248be90d17f"
ME = "/api/v1/me"
SESSION = "/session"
REFRESH = "/api/v1/auth/refresh"


def csrf(client: FlaskClient, name: str) -> dict[str, str]:
    cookie = client.get_cookie(name, path=SESSION if name == "fs_refresh" else "/")
    assert cookie is not None
    return {"X-CSRF-TOKEN": cookie.value}


def test_log_ins_survive_the_change_and_the_end_of_the_old_key(make_app: MakeApp, shopper: Account) -> None:
    before = make_app().test_client()
    before.post(SESSION, json={"email": shopper.email, "password": PASSWORD})
    changing = make_app(secret_key=NEW, old_secret_keys=(SECRET_KEY,))
    client = changing.test_client()
    client._cookies = before._cookies  # the same browser, at the next release
    assert client.get(ME).get_json()["email"] == shopper.email
    assert client.post(f"{SESSION}/refresh", headers=csrf(client, "fs_refresh_csrf")).status_code == 200
    assert client.get(ME, headers=shopper.headers).status_code == 200
    renewed = client.post(REFRESH, headers=shopper.refresh_headers).get_json()
    after = make_app(secret_key=NEW).test_client()
    after._cookies = client._cookies
    assert after.get(ME).get_json()["email"] == shopper.email
    assert after.post(f"{SESSION}/refresh", headers=csrf(after, "fs_refresh_csrf")).status_code == 200
    refresh = {"Authorization": f"Bearer {renewed['refresh_token']}"}
    assert after.post(REFRESH, headers=refresh).status_code == 200


def test_a_device_is_known_after_the_change() -> None:
    cookie = Devices(SECRET_KEY).note(None, "ada@example.com")
    device = Devices(SECRET_KEY).find(cookie, "ada@example.com")
    changing = Devices(NEW, old_keys=[SECRET_KEY])
    assert changing.find(cookie, "ada@example.com") == device is not None
    assert changing.find(cookie, "bob@example.com") is None
    renewed = changing.note(cookie, "ada@example.com")
    assert Devices(NEW).find(renewed, "ada@example.com") == device
    assert Devices(NEW).find(cookie, "ada@example.com") is None


def test_without_the_old_key_its_log_ins_are_over(make_app: MakeApp, shopper: Account) -> None:
    client = make_app(secret_key=NEW).test_client()
    assert client.get(ME, headers=shopper.headers).status_code == 401
    assert client.post(REFRESH, headers=shopper.refresh_headers).status_code == 401


def test_processes_that_know_the_new_key_second_take_what_it_signed(
    make_app: MakeApp, shopper: Account
) -> None:
    ahead = make_app(secret_key=NEW, old_secret_keys=(SECRET_KEY,)).test_client()
    behind = make_app(secret_key=SECRET_KEY, old_secret_keys=(NEW,))
    told = ahead.post("/api/v1/auth/login", json={"email": shopper.email, "password": PASSWORD}).get_json()
    bearer = {"Authorization": f"Bearer {told['access_token']}"}
    assert behind.test_client().get(ME, headers=bearer).status_code == 200
    parts: Services = behind.extensions[EXTENSION]
    assert parts.tokens.verify(told["access_token"], ACCESS).expires_at > time.time()
