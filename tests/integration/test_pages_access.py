"""Who may see which page, where logging in leads, and what a person sees of a failure."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models.errors import LedgerUnavailable
from tests.integration.conftest import Account, MakeApp
from tests.integration.test_pages_shown import BROWSER, read, sign_in
from web.auth.identity import REFRESH_CSRF_COOKIE
from web.shop import reading


def test_orders_ask_to_log_in_and_come_back(client: FlaskClient) -> None:
    answer = client.get("/orders", headers=BROWSER)
    assert (answer.status_code, answer.location) == (303, "/login?next=/orders")


def test_the_form_leads_on_to_a_path_of_our_own_only(client: FlaskClient) -> None:
    assert 'data-target="/orders"' in read(client, "/login?next=/orders")
    assert 'data-target="/"' in read(client, "/login?next=//evil.example")
    assert 'data-target="/"' in read(client, "/register?next=https://evil.example/")


def test_whoever_is_logged_in_needs_no_form(client: FlaskClient, shopper: Account) -> None:
    sign_in(client, shopper)
    answer = client.get("/login?next=/orders", headers=BROWSER)
    assert (answer.status_code, answer.location) == (303, "/orders")
    assert client.get("/register?next=//evil.example", headers=BROWSER).location == "/"


def test_a_stale_log_in_is_renewable_and_a_bad_one_is_nobodys(client: FlaskClient) -> None:
    assert 'data-session="out"' in read(client, "/login")
    client.set_cookie(REFRESH_CSRF_COOKIE, "something")
    assert 'data-session="renewable"' in read(client, "/login")
    client.set_cookie("fs_access", "not.a.token")
    assert 'data-session="renewable"' in read(client, "/login")


@pytest.mark.parametrize(
    "path", ["/nowhere", "/sales/9e0f1b7a-0c2d-4c39-8a65-1d2f3b4c5d6e", "/sales/not-an-id"]
)
def test_what_is_not_there_is_told_in_a_page(client: FlaskClient, path: str) -> None:
    assert "There is nothing here" in read(client, path, 404)


def test_programs_get_problems_as_ever(client: FlaskClient) -> None:
    for path, headers in (
        ("/nowhere", {}),
        ("/nowhere", {"Accept": "*/*"}),
        ("/nowhere", {"Accept": "application/json"}),
        ("/api/v1/nowhere", BROWSER),
    ):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert client.post("/session", headers=BROWSER).mimetype == "application/problem+json"


def test_a_store_that_is_away_is_told_in_a_page_that_says_when_to_come_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise LedgerUnavailable("away")

    monkeypatch.setattr(reading, "shelves", away)
    answer = client.get("/", headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert answer.headers["Retry-After"]
    assert "Content-Security-Policy" in answer.headers
    assert "We will be right back" in answer.text


def test_what_breaks_is_told_in_a_page_and_tells_no_secrets(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret reason")

    app: Flask = make_app()
    monkeypatch.setattr(reading, "shelves", broken)
    answer = app.test_client().get("/", headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    assert "Something broke on our side" in answer.text
    assert "secret reason" not in answer.text
