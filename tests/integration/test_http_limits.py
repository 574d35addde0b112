"""Limits: by account always, by address except a development machine's own, with Redis and without."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config import Settings
from tests.integration.conftest import PASSWORD, Account, MakeAccount, MakeApp, _stop
from web import create_app
from web.auth.log_in_guard import LONGEST_PAUSE_S
from web.http.errors import TooManyRequests
from web.http.services import EXTENSION

LOGIN = "/api/v1/auth/login"
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture(scope="module")
def _limited(settings: Settings) -> Iterator[MakeApp]:
    made: list[Flask] = []

    @cache
    def make(*, environment: str = "development", trusted_proxies: int = 0, **rates: str) -> Flask:
        changed = replace(
            settings,
            environment=environment,
            trusted_proxies=trusted_proxies,
            rate_limits=replace(settings.rate_limits, **rates),
        )
        made.append(create_app(changed))
        return made[-1]

    yield make
    for one in made:
        _stop(one)


@pytest.fixture
def limited(_limited: MakeApp, clean: None) -> MakeApp:  # noqa: ARG001
    """Apps in which some of the limits count: `limited(login="3/hour")`, and what they counted is emptied."""
    return _limited


def log_in(client: FlaskClient, email: str, **options: Any) -> TestResponse:
    return client.post(LOGIN, json={"email": email, "password": "wrong password"}, **options)


def is_refused(answer: TestResponse) -> bool:
    if answer.status_code != 429:
        return False
    assert answer.get_json()["code"] == "too_many_requests"
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600
    return True


def log_in_rightly(client: FlaskClient, account: Account, *paths: str, **options: Any) -> int:
    [path] = paths or [LOGIN]
    return client.post(path, json={"email": account.email, "password": PASSWORD}, **options).status_code


def at(address: str) -> dict[str, Any]:
    return {"environ_base": {"REMOTE_ADDR": address}}


def test_guessing_one_accounts_password_is_slowed_down_from_anywhere(limited: MakeApp) -> None:
    client = limited(login="3/hour").test_client()
    for _ in range(3):
        assert log_in(client, "ada@example.com").status_code == 401
    assert is_refused(log_in(client, "ADA@example.com"))
    assert is_refused(log_in(client, "ada@example.com", environ_base=ELSEWHERE))
    assert log_in(client, "eve@example.com").status_code == 401


@pytest.mark.parametrize("role", ["shopper", "admin"])
def test_whatever_strangers_try_an_owner_gets_in_from_elsewhere(
    limited: MakeApp, make_account: MakeAccount, role: str
) -> None:
    client, owner = limited(login="3/hour").test_client(), make_account(role)
    for number in range(12):
        assert log_in(client, owner.email, **at(f"203.0.{number}.7")).status_code in {401, 429}
    assert log_in_rightly(client, owner, **at("198.51.100.1")) == 200


def test_a_stranger_waits_longer_the_more_is_tried(limited: MakeApp, make_account: MakeAccount) -> None:
    client, owner = limited(login="3/hour").test_client(), make_account()
    waits = []
    for number in range(12):
        answer = log_in(client, owner.email, **at(f"203.0.{number}.7"))
        if answer.status_code == 429:
            waits.append(int(answer.headers["Retry-After"]))
    assert waits == sorted(waits)
    assert waits[0] < waits[-1] <= LONGEST_PAUSE_S
    # Each has its first try; the second, even if right, comes after the pause.
    assert log_in_rightly(client, owner, **at("203.0.11.7")) == 429
    assert log_in_rightly(client, owner, **at("203.0.12.7")) == 200


def test_neighbours_who_fail_keep_nobody_out(limited: MakeApp, make_account: MakeAccount) -> None:
    client, owner = limited(login="3/hour").test_client(), make_account()
    answers = [
        log_in(client, f"{number}@example.com", environ_base=ELSEWHERE).status_code for number in range(8)
    ]
    assert answers == [401] * 3 + [429] * 5
    assert log_in_rightly(client, owner, environ_base=ELSEWHERE) == 200


def test_a_known_device_is_judged_apart_from_strangers_of_its_own_network(
    limited: MakeApp, make_account: MakeAccount
) -> None:
    app, owner = limited(login="3/hour"), make_account()
    device, stranger = app.test_client(), app.test_client()
    assert log_in_rightly(device, owner, "/session", environ_base=ELSEWHERE) == 200
    for _ in range(5):
        log_in(stranger, owner.email, environ_base=ELSEWHERE)
    assert log_in_rightly(stranger, owner, environ_base=ELSEWHERE) == 429
    assert log_in_rightly(device, owner, "/session", environ_base=ELSEWHERE) == 200
    wrong = {"email": owner.email, "password": "wrong password"}
    assert [device.post("/session", json=wrong).status_code for _ in range(4)] == [401] * 3 + [429]


def test_a_device_is_no_better_known_to_other_accounts(limited: MakeApp, make_account: MakeAccount) -> None:
    client, owner = limited(login="3/hour").test_client(), make_account()
    assert log_in_rightly(client, owner, "/session") == 200
    wrong = {"email": "ada@example.com", "password": "wrong password"}
    assert [client.post("/session", json=wrong).status_code for _ in range(4)] == [401] * 3 + [429]
    client.set_cookie("fs_device", "0" * 24 + "." + "0" * 16 + "." + "0" * 64, path="/session")
    assert client.post("/session", json=wrong).status_code == 429


def test_a_network_that_logged_in_lately_does_not_wait_for_strangers_elsewhere(
    limited: MakeApp, make_account: MakeAccount
) -> None:
    client, owner = limited(login="3/hour").test_client(), make_account()
    assert log_in_rightly(client, owner, environ_base=ELSEWHERE) == 200
    for number in range(12):
        log_in(client, owner.email, **at(f"198.51.{number}.7"))
    assert is_refused(log_in(client, owner.email, environ_base=ELSEWHERE))
    assert log_in_rightly(client, owner, environ_base=ELSEWHERE) == 200


def test_right_tries_use_up_nothing(limited: MakeApp, make_account: MakeAccount) -> None:
    client, owner = limited(login="2/hour").test_client(), make_account()
    assert [log_in_rightly(client, owner, environ_base=ELSEWHERE) for _ in range(6)] == [200] * 6


def test_unknown_accounts_are_counted_like_others(limited: MakeApp, make_account: MakeAccount) -> None:
    client, owner = limited(login="2/hour").test_client(), make_account()
    for number in range(3):
        known = [log_in(client, owner.email, **at(f"203.0.{number}.7")) for _ in range(4)]
        unknown = [log_in(client, "nobody@example.com", **at(f"198.51.{number}.7")) for _ in range(4)]
        assert [one.status_code for one in known] == [one.status_code for one in unknown]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:cb00:7107", "203.0.113.7"),
        ("64:ff9b::203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::2%eth1"),
    ],
)
def test_one_client_is_one_address_however_it_is_written(limited: MakeApp, one: str, other: str) -> None:
    client = limited(register="1/hour").test_client()
    new = {"email": "a@example.com", "password": PASSWORD}
    assert client.post("/api/v1/auth/register", json=new, **at(one)).status_code == 201
    assert is_refused(client.post("/api/v1/auth/register", json=new, **at(other)))


def test_clients_of_ipv4_are_not_one_address(limited: MakeApp) -> None:
    client = limited(register="1/hour").test_client()
    for number in range(3):
        new = {"email": f"{number}@example.com", "password": PASSWORD}
        address = f"::ffff:203.0.{number}.7"
        assert client.post("/api/v1/auth/register", json=new, **at(address)).status_code == 201


@pytest.mark.parametrize(
    "form", ["203.0.113.7:{}", "[2001:db8::1]:{}", "garbage-{}", "203.0.113.7", "2001:db8::{}"]
)
def test_a_forwarded_port_or_garbage_is_no_new_address(limited: MakeApp, form: str) -> None:
    client = limited(register="1/hour", trusted_proxies=1, environment="production").test_client()
    answers = []
    for number in range(1, 3):
        new = {"email": f"{number}@example.com", "password": PASSWORD}
        headers = {
            "X-Forwarded-For": form.format(50_000 + number if "]:" in form or "7:" in form else number)
        }
        answers.append(client.post("/api/v1/auth/register", json=new, headers=headers).status_code)
    assert answers == [201, 429]


@pytest.mark.parametrize(
    ("form", "share"), [("203.0.113.{}", 8), ("2001:db8:0:{:x}::1", 4), ("2001:db8:0:{:x}00::1", 8)]
)
def test_a_customer_with_many_addresses_gets_no_more_than_a_share(
    limited: MakeApp, form: str, share: int
) -> None:
    app = limited(register="1/hour")
    limits = app.extensions[EXTENSION].limits
    passed = 0
    for number in range(100):
        with app.test_request_context("/", environ_base={"REMOTE_ADDR": form.format(number)}):
            try:
                limits.hit_address("register")
            except TooManyRequests:
                continue
            passed += 1
    assert passed == share


def test_a_loud_address_leaves_its_neighbours_their_part(limited: MakeApp) -> None:
    app = limited(register="1/hour")
    limits = app.extensions[EXTENSION].limits

    def passes(address: str) -> bool:
        with app.test_request_context("/", environ_base={"REMOTE_ADDR": address}):
            try:
                limits.hit_address("register")
            except TooManyRequests:
                return False
            return True

    assert [passes("203.0.113.7") for _ in range(50)] == [True] + [False] * 49
    assert passes("203.0.113.8")


def test_a_network_keeps_all_who_are_logged_in_so(limited: MakeApp, make_account: MakeAccount) -> None:
    client = limited(refresh="2/hour").test_client()
    path = "/api/v1/auth/refresh"
    for _ in range(2):
        assert client.post(path, environ_base=ELSEWHERE).status_code == 401
    assert is_refused(client.post(path, environ_base=ELSEWHERE))
    for _ in range(4):
        one = make_account()
        assert client.post(path, headers=one.refresh_headers, environ_base=ELSEWHERE).status_code == 200


def test_processes_count_guesses_together(settings: Settings, make_app: MakeApp) -> None:
    rates = replace(settings.rate_limits, login="2/hour")
    one, other = (make_app(rate_limits=rates).test_client() for _ in range(2))
    assert [log_in(client, "a@b.co").status_code for client in (one, other)] == [401] * 2
    assert is_refused(log_in(one, "a@b.co"))
    assert is_refused(log_in(other, "a@b.co"))


def test_an_address_is_limited_whatever_account_it_tries(limited: MakeApp) -> None:
    client = limited(login="2/hour").test_client()
    for number in range(2):
        assert log_in(client, f"{number}@example.com", environ_base=ELSEWHERE).status_code == 401
    assert is_refused(log_in(client, "2@example.com", environ_base=ELSEWHERE))


@pytest.mark.parametrize(("environment", "spared"), [("development", True), ("production", False)])
def test_loopback_is_spared_in_development_only(limited: MakeApp, environment: str, spared: bool) -> None:
    client = limited(environment=environment, register="1/hour").test_client()
    answers = [
        client.post("/api/v1/auth/register", json={"email": f"{number}@example.com", "password": PASSWORD})
        for number in range(2)
    ]
    assert answers[0].status_code == 201
    assert is_refused(answers[1]) != spared


def test_the_neighbours_of_an_ipv6_network_are_one_address(limited: MakeApp) -> None:
    client = limited(login="1/hour").test_client()
    near, far = {"REMOTE_ADDR": "2001:db8::1"}, {"REMOTE_ADDR": "2001:db8:0:1::1"}
    assert log_in(client, "a@example.com", environ_base=near).status_code == 401
    assert is_refused(log_in(client, "b@example.com", environ_base={"REMOTE_ADDR": "2001:db8::ffff"}))
    assert log_in(client, "c@example.com", environ_base=far).status_code == 401


def test_the_api_is_limited_by_account(limited: MakeApp, make_account: MakeAccount) -> None:
    client = limited(api="2/hour").test_client()
    one, other = make_account(), make_account()
    for _ in range(2):
        assert client.get("/api/v1/me", headers=one.headers).status_code == 200
    assert is_refused(client.get("/api/v1/me", headers=one.headers))
    assert client.get("/api/v1/me", headers=other.headers).status_code == 200


def test_a_refresh_is_limited_by_account(limited: MakeApp, shopper: Account) -> None:
    client = limited(refresh="1/hour").test_client()
    assert client.post("/api/v1/auth/refresh", headers=shopper.refresh_headers).status_code == 200
    assert is_refused(client.post("/api/v1/auth/refresh", headers=shopper.refresh_headers))


def test_without_redis_the_limits_hold_in_memory(settings: Settings, make_app: MakeApp) -> None:
    rates = replace(settings.rate_limits, login="2/hour")
    client = make_app(rate_limits=rates, redis_url="unix:///nowhere.sock?db=0").test_client()
    for _ in range(2):
        assert log_in(client, "ada@example.com").status_code == 401
    assert is_refused(log_in(client, "ada@example.com"))


def test_limits_can_be_switched_off(settings: Settings, make_app: MakeApp) -> None:
    rates = replace(settings.rate_limits, login="1/hour", api="1/hour")
    client = make_app(rate_limits=rates, rate_limits_enabled=False).test_client()
    assert [log_in(client, "ada@example.com").status_code for _ in range(3)] == [401] * 3
