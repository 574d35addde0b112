"""Whatever is sent, the answer is the sender's fault and a problem; never a 5xx."""

import io
import json
import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.integration.conftest import Account
from tests.support.problems import RAW_BODIES, assert_problem

PRODUCT = "/api/v1/products/" + str(uuid.UUID(int=1))
BODIES: list[tuple[str, str]] = [  # method and path of every route of this app that reads a body
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/session"),
    ("POST", "/api/v1/products"),
    ("PATCH", PRODUCT),
]
MONEY = {"amount_minor": 1, "currency": "USD"}
GOOD: dict[str, Any] = {
    "email": "ada@example.com",
    "password": "long enough",
    "name": "x",
    "description": "x",
    "image_url": "/x",
    "list_price": MONEY,
}
FIELDS = {
    "/api/v1/auth/register": ("email", "password", "name"),
    "/api/v1/auth/login": ("email", "password"),
    "/session": ("email", "password"),
    "/api/v1/products": ("name", "description", "image_url", "list_price"),
    PRODUCT: ("name", "description", "image_url", "list_price"),
}
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    "",
    " ",
    "\x00",
    "a\x00b@example.com",
    "x" * 60_000,
    "'; DROP TABLE users; --",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "\U0001f4a5" * 30,
    "\u202e",
    [],
    {},
    [[[]]],
    {"amount_minor": "1", "currency": "USD"},
    {"amount_minor": 1.0, "currency": "USD"},
    {"amount_minor": True, "currency": "USD"},
    {"amount_minor": -1, "currency": "USD"},
    {"amount_minor": 10**11 + 1, "currency": "USD"},
    {"amount_minor": 1, "currency": "usd"},
    {"amount_minor": 1, "currency": "USD\n"},
    {"amount_minor": 1, "currency": "US\x00"},
    {"amount_minor": 1},
    {"amount_minor": 1, "currency": "USD", "more": 1},
]


@pytest.mark.parametrize("name", RAW_BODIES)
@pytest.mark.parametrize(("method", "path"), BODIES)
def test_a_body_that_is_no_good_object_is_refused(
    client: FlaskClient, admin: Account, method: str, path: str, name: str
) -> None:
    answer = client.open(
        path, method=method, data=RAW_BODIES[name], content_type="application/json", headers=admin.headers
    )
    assert_problem(answer, 400, 413, 422)


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_no_value_of_a_field_breaks_anything(
    client: FlaskClient, admin: Account, method: str, path: str
) -> None:
    for field in FIELDS[path]:
        good = {name: GOOD[name] for name in FIELDS[path]}
        for value in VALUES:
            body = json.dumps({**good, field: value})  # the app's own JSON would refuse the biggest numbers
            answer = client.open(
                path, method=method, data=body, content_type="application/json", headers=admin.headers
            )
            assert answer.status_code < 500, (path, field, value, answer.data)
            if answer.status_code >= 400:
                assert_problem(answer)


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_an_unknown_field_is_named(client: FlaskClient, admin: Account, method: str, path: str) -> None:
    good = {name: GOOD[name] for name in FIELDS[path]}
    answer = client.open(path, method=method, json={**good, "is_admin": True}, headers=admin.headers)
    assert_problem(answer, 422)
    assert answer.get_json()["code"] == "invalid_fields"
    assert list(answer.get_json()["errors"]) == ["is_admin"]


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_another_content_type_is_a_415(client: FlaskClient, admin: Account, method: str, path: str) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "a/b/c"):
        answer = client.open(path, method=method, data=b"{}", content_type=kind, headers=admin.headers)
        assert_problem(answer, 415)


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_a_body_over_64_kib_is_a_413(client: FlaskClient, admin: Account, method: str, path: str) -> None:
    body = b'{"name": "' + b"x" * 70_000 + b'"}'
    answer = client.open(
        path, method=method, data=body, content_type="application/json", headers=admin.headers
    )
    assert_problem(answer, 413)


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_a_body_of_unknown_length_is_a_413_at_64_kib(
    client: FlaskClient, admin: Account, method: str, path: str
) -> None:
    answer = client.open(
        path,
        method=method,
        input_stream=io.BytesIO(b"{}" + b" " * 70_000),
        content_type="application/json",
        headers={**admin.headers, "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert_problem(answer, 413)


def test_an_amount_that_is_too_big_is_named_by_its_path(client: FlaskClient, admin: Account) -> None:
    body = {"name": "x", "list_price": {"amount_minor": 10**12, "currency": "dollars"}}
    answer = client.post("/api/v1/products", json=body, headers=admin.headers)
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {"list_price.amount_minor", "list_price.currency"}


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=1.5",
        "limit=",
        "limit=%00",
        "limit=1e2",
        "limit=٣",
        "limit=9" * 9,
    ]
    + [f"cursor={word}" for word in ("", "x", "%00", "%FF", "bnVsbA", "W10", "WzEsMl0", "e30", "A" * 600)]
    + ["cursor=WyIyMDI2LTAxLTAxIiwieCJd", "cursor=" + "WyI" * 100, "limit=5&cursor=[]"],
)
def test_a_page_that_cannot_be_is_a_422(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/api/v1/products?{query}")
    assert_problem(answer, 422)
    assert set(answer.get_json()["errors"]) <= {"limit", "cursor"}


@pytest.mark.parametrize(
    "name",
    [
        "1",
        "x",
        "%00",
        "..%2f..%2fetc",
        "00000000-0000-0000-0000-00000000000g",
        "a" * 4000,
        "%F0%9F",
        "{id}",
        "null",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_id_that_is_none_is_a_404(client: FlaskClient, admin: Account, method: str, name: str) -> None:
    answer = client.open(f"/api/v1/products/{name}", method=method, headers=admin.headers)
    assert_problem(answer, 404)


def test_a_name_with_markup_is_stored_and_shown_as_it_is(client: FlaskClient, admin: Account) -> None:
    name = "<script>alert('x')</script>'; DROP TABLE products; --"
    made = client.post("/api/v1/products", json={"name": name, "list_price": MONEY}, headers=admin.headers)
    shown = client.get(f"/api/v1/products/{made.get_json()['id']}")
    assert shown.get_json()["name"] == name
    assert shown.content_type == "application/json"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "ftp://x/y", "x", "http://a b"])
def test_an_image_is_only_ever_fetched_over_http(client: FlaskClient, admin: Account, url: str) -> None:
    body = {"name": "x", "list_price": MONEY, "image_url": url}
    answer = client.post("/api/v1/products", json=body, headers=admin.headers)
    assert_problem(answer, 422)
