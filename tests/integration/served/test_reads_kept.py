"""Reads that are the same for everybody are served from memory by a real web process, and are never old."""

import gzip
import http.client
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from models.enums import Role, StaffRole
from models.tables.accounts import User
from tasks.products import changes
from tasks.sales import lifecycle
from tests.integration.socket_shop import Shop, Shopper
from tests.support.polling import eventually
from web.auth.issue import issue_pair

SALES = "/api/v1/sales"


class Browser:
    """One kept connection."""

    def __init__(self, shop: Shop) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=10)

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, headers=named)
        answer = self.connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    def read(self, path: str) -> Any:
        status, _, body = self.ask(path)
        assert status == 200, body
        return json.loads(body)


@pytest.fixture
def browser(shop: Shop) -> Iterator[Browser]:
    browser = Browser(shop)
    eventually(lambda: is_kept(browser, SALES))
    yield browser
    browser.connection.close()


def is_kept(browser: Browser, path: str) -> bool:
    """Whether the same bytes come twice: what is made bears the time at which it was made."""
    return browser.ask(path)[1]["ETag"] == browser.ask(path)[1]["ETag"]


def test_an_answer_carries_what_a_browser_and_a_cdn_need(shop: Shop, browser: Browser) -> None:
    path = f"{SALES}/{shop.open_sale()}"
    eventually(lambda: is_kept(browser, path))
    status, headers, body = browser.ask(path)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert headers["Cache-Control"] == "public, max-age=0, s-maxage=1, stale-if-error=60"
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert len(headers["X-Request-ID"]) == 24
    assert json.loads(body)["server_time"] <= datetime.now(UTC).isoformat()
    assert browser.ask(path, X_Request_ID="mine")[1]["X-Request-ID"] == "mine"
    assert browser.ask(path, "HEAD")[2] == b""

    def has_it() -> bool:
        tag = browser.ask(path)[1]["ETag"]
        return browser.ask(path, If_None_Match=tag)[0] == 304

    eventually(has_it)


def test_it_is_counted_under_its_route(shop: Shop, browser: Browser) -> None:
    path = f"{SALES}/{shop.open_sale()}"
    for _ in range(3):
        browser.ask(path)
    counted = browser.ask("/metrics")[2].decode()
    line = next(line for line in counted.splitlines() if 'route="/api/v1/sales/<uuid:sale_id>"' in line)
    assert float(line.rpartition(" ")[2]) >= 3


def test_what_others_change_is_seen_by_their_word(shop: Shop, browser: Browser) -> None:
    sale_id = shop.open_sale(allocation=10)
    path = f"{SALES}/{sale_id}"
    assert browser.read(path)["allocation"] == 10
    lifecycle.change_sale(shop.context, sale_id, {"allocation": 12})
    eventually(lambda: browser.read(path)["allocation"] == 12)
    shop.submit(shop.make_shopper(), sale_id)
    eventually(lambda: browser.read(path)["queue"]["last_ticket"] == 1)
    shop.drain(sale_id)
    eventually(lambda: browser.read(path)["held"] == 1)
    changes.change_product(shop.context, shop.product_id, {"name": "Another"})
    eventually(lambda: browser.read(path)["product"]["name"] == "Another")
    eventually(lambda: browser.read(f"/api/v1/products/{shop.product_id}")["name"] == "Another")
    browser.read(SALES)
    newest = str(shop.open_sale())
    eventually(lambda: newest in {one["id"] for one in browser.read(SALES)["items"]})


def test_a_host_that_is_none_is_refused_what_is_kept_too(browser: Browser) -> None:
    assert browser.ask(SALES, Host="a..b")[0] == 400
    assert browser.ask(SALES, Host="shop.example.")[0] == 200


def test_an_admin_reads_at_once_what_the_same_process_was_told(shop: Shop, browser: Browser) -> None:
    sale_id, admin = shop.open_sale(), admin_of(shop)
    path, told = f"{SALES}/{sale_id}", {"Authorization": f"Bearer {admin.token}"}
    for units in range(11, 41):
        assert browser.read(path)["allocation"] == units - 1
        browser.connection.request(
            "PATCH", path, json.dumps({"allocation": units}), told | {"Content-Type": "application/json"}
        )
        answer = browser.connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
    assert browser.read(path)["allocation"] == 40


def test_a_crowd_that_comes_at_once_costs_the_stores_one_read(shop: Shop) -> None:
    """While Redis stands still, everybody waits for the one who asks it, or gets what is there."""
    sale_id = shop.open_sale()
    crowd = [Browser(shop) for _ in range(60)]  # three times the pool of connections to the ledger
    for one in crowd:
        one.connection.request("GET", f"{SALES}/{sale_id}")
    answers = [one.connection.getresponse() for one in crowd]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.read() for answer in answers}) < 10
    for one in crowd:
        one.connection.close()


def test_while_redis_is_away_the_last_answer_is_given_with_its_age(shop: Shop, browser: Browser) -> None:
    sale_id = shop.open_sale(allocation=7)
    path, unknown = f"{SALES}/{sale_id}", f"{SALES}/{shop.open_sale()}"
    shop.submit(shop.make_shopper(), sale_id)
    eventually(lambda: browser.read(path)["queue"]["last_ticket"] == 1)
    shop.redis.stop()
    try:
        eventually(lambda: "Age" in browser.ask(path)[1])
        status, headers, body = browser.ask(path)
        assert (status, headers["Warning"]) == (200, '110 - "Response is Stale"')
        assert json.loads(body)["queue"]["last_ticket"] == 1
        assert browser.read(unknown)["queue"]["last_ticket"] == 0, (
            "the ledger's figures, where none are known"
        )
    finally:
        shop.redis.start()
    eventually(lambda: "Age" not in browser.ask(path)[1])


def admin_of(shop: Shop) -> Shopper:
    made = shop.make_shopper()
    with shop.context.database.transaction() as session:
        user = session.get(User, made.id)
        assert user is not None
        user.role, user.staff_role = Role.ADMIN, StaffRole.OWNER
    with shop._app.app_context():
        pair = issue_pair(made.id, Role.ADMIN, made.family, uuid.uuid4(), staff_role=StaffRole.OWNER)
    return Shopper(made.id, pair.access_token, made.family)


def test_pages_are_kept_by_language_and_say_how_old_they_are(shop: Shop, browser: Browser) -> None:
    path = f"/sales/{shop.open_sale()}"
    for page in ("/", path):
        eventually(lambda page=page: is_kept(browser, page))  # type: ignore[misc]
        status, headers, body = browser.ask(page, Accept_Language="de-AT", Accept_Encoding="gzip")
        assert (status, headers["Content-Encoding"]) == (200, "gzip")
        assert headers["Vary"] == "Accept-Encoding, Accept-Language"
        assert "Content-Security-Policy" in headers
        assert b'lang="de"' in gzip.decompress(body)
        assert b'lang="en"' in browser.ask(page)[2]
        _, picked, german = browser.ask(page, Cookie="fs_language=de")
        assert picked["Cache-Control"] == "private, no-cache"
        assert b'lang="de"' in german
        _, named, german = browser.ask(f"{page}?language=de")
        assert named["Cache-Control"].startswith("public")
        assert b'lang="de"' in german
        assert b'id="age" hidden' in german
