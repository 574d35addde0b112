"""What the pages show, readable without any script, over real stores."""

import re
from html.parser import HTMLParser
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from models.enums import SaleStatus
from models.errors import LineUnavailable
from models.live.store import Live
from models.tables.catalogue import Product
from tests.integration.conftest import Account
from tests.support.shop import SaleUnderTest, Shop
from web.auth.identity import ACCESS_COOKIE

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
MOST_BYTES = 100_000


class Markup(HTMLParser):
    """What a content policy without «unsafe-inline» would refuse, and what a page fetches."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.fetched: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.inline += [name for name in named if name == "style" or name.startswith("on")]
        runs = tag == "script" and "src" not in named and named.get("type") != "application/json"
        if tag == "style" or runs:
            self.inline.append(tag)
        if tag in {"script", "link"}:
            self.fetched += [url for url in (named.get("src"), named.get("href")) if url]


def sign_in(client: FlaskClient, account: Account) -> None:
    client.set_cookie(ACCESS_COOKIE, account.access_token)


def read(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "text/html"
    return answer.text


def state_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="state">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    state: dict[str, Any] = orjson.loads(found[1])
    return state


def faces(page: str) -> list[str]:
    """The faces of the purchase panel that are not hidden."""
    return re.findall(r'data-face="(\w+)">', page)


def standing_of(client: FlaskClient, sale: SaleUnderTest, shopper: Account) -> dict[str, Any]:
    answer = client.get(f"/api/v1/sales/{sale.id}/standing", headers=shopper.headers)
    assert answer.status_code == 200, answer.text
    standing: dict[str, Any] = answer.get_json()
    return standing


def rename(sale: SaleUnderTest, name: str) -> None:
    with sale.context.database.transaction() as session:
        session.execute(update(Product).values(name=name, description=name, image_url="/x?'><b>"))


def test_an_empty_shop_says_so(client: FlaskClient) -> None:
    assert "No sale is planned" in read(client, "/")


def test_the_front_page_has_a_shelf_for_what_runs_comes_and_is_past(client: FlaskClient, shop: Shop) -> None:
    shop.open_sale()
    shop.scheduled_sale(opens_in_s=600)
    shop.open_sale().move(SaleStatus.ENDED)
    page = read(client, "/")
    assert page.index("On now") < page.index("Coming up") < page.index("Past sales")
    assert page.count('<li class="card"') == 3


def test_a_sale_is_readable_without_scripts(client: FlaskClient, shop: Shop) -> None:
    sale = shop.drained_sale(10, asked=3)
    page = read(client, f"/sales/{sale.id}")
    for words in (
        "Kettle",
        "$19.99",
        "$49.99",
        "−60%",
        "7 of 10 left, 3 held, 0 sold",
        "Log in to buy",
    ):
        assert words in page
    assert faces(page) == ["log_in"]


def test_a_page_is_the_same_for_everybody(
    client: FlaskClient, shop: Shop, shopper: Account, admin: Account
) -> None:
    sale = shop.open_sale()
    sale.line_up([shopper.id])
    timeless = re.compile(r"server[-_]time[^,>]*|<time class=.clock.*?</time>|What you see is from[^<]*")
    seen = set()
    for viewer in (None, shopper, admin):
        if viewer is not None:
            sign_in(client, viewer)
        for path in ("/", f"/sales/{sale.id}"):
            seen.add((path, timeless.sub("", read(client, path))))
    assert len(seen) == 2


def test_a_shopper_in_line_finds_the_ticket_again(client: FlaskClient, shop: Shop, shopper: Account) -> None:
    sale = shop.open_sale()
    sale.line_up([*shop.shoppers(2), shopper.id])
    standing = standing_of(client, sale, shopper)
    assert [standing["intent"][name] for name in ("status", "ticket", "position")] == ["queued", 3, 3]
    assert standing["order"] is None


def test_a_shopper_with_a_hold_finds_the_order_again(
    client: FlaskClient, shop: Shop, shopper: Account
) -> None:
    sale = shop.open_sale(5, limit=2)
    sale.submit(shopper.id, quantity=2)
    sale.drain()
    standing = standing_of(client, sale, shopper)
    assert standing["intent"]["status"] == "held"
    assert standing["order"]["total"] == {"amount_minor": 3998, "currency": "USD"}


def test_a_shopper_finds_a_verdict_again(client: FlaskClient, shop: Shop, shopper: Account) -> None:
    sale = shop.open_sale(0)
    sale.submit(shopper.id)
    sale.drain()
    assert standing_of(client, sale, shopper)["intent"]["status"] == "sold_out"


def test_nobody_sees_anothers_place_in_line(
    client: FlaskClient, shop: Shop, shopper: Account, admin: Account
) -> None:
    sale = shop.open_sale()
    sale.line_up(shop.shoppers(1))
    for one in (shopper, admin):
        assert standing_of(client, sale, one) == {"intent": None, "order": None}
    assert client.get(f"/api/v1/sales/{sale.id}/standing").status_code == 401


def test_a_name_that_is_markup_stays_a_name(client: FlaskClient, shop: Shop) -> None:
    sale = shop.open_sale()
    name = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    rename(sale, name)
    page = read(client, f"/sales/{sale.id}")
    assert state_of(page)["sale"]["product"]["name"] == name
    assert Markup(page).inline == []
    assert "<script>alert" not in page
    assert Markup(read(client, "/")).inline == []


def test_no_page_holds_an_inline_script_or_style(client: FlaskClient, shop: Shop, admin: Account) -> None:
    sale = shop.open_sale()
    paths = ["/", f"/sales/{sale.id}", "/login", "/register"]
    pages = [read(client, path) for path in paths] + [read(client, "/nowhere", 404)]
    sale.submit(admin.id)
    sale.drain()
    sign_in(client, admin)
    pages += [read(client, path) for path in (f"/sales/{sale.id}", "/orders", "/admin")]
    assert [Markup(page).inline for page in pages] == [[] for _ in pages]


@pytest.mark.parametrize("path", ["/", "/sales/{sale}", "/admin"])
def test_a_first_visit_stays_under_100_kb_and_asks_no_other_host(
    client: FlaskClient, shop: Shop, admin: Account, path: str
) -> None:
    sign_in(client, admin)
    page = read(client, path.format(sale=shop.open_sale().id))
    fetched = Markup(page).fetched
    assert all(url.startswith("/static/") for url in fetched)
    files = [client.get(url, headers={"Accept-Encoding": "gzip"}) for url in fetched]
    assert [file.status_code for file in files] == [200] * len(fetched)
    assert len(page.encode()) + sum(len(file.data) for file in files) < MOST_BYTES


def test_while_the_line_is_away_the_ledgers_figures_are_shown(
    client: FlaskClient, shop: Shop, shopper: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = shop.open_sale(10)

    def away(*_: object) -> None:
        raise LineUnavailable("away")

    monkeypatch.setattr(Live, "look", away)
    monkeypatch.setattr(Live, "standing_of_each", away)
    assert "10 of 10 left" in read(client, f"/sales/{sale.id}")
    asked = client.get(f"/api/v1/sales/{sale.id}/standing", headers=shopper.headers)
    assert (asked.status_code, asked.get_json()["code"]) == (503, "line_unavailable")


def test_ones_orders_are_shown_with_their_history(client: FlaskClient, shop: Shop, shopper: Account) -> None:
    sale = shop.open_sale()
    sale.line_up([shopper.id, *shop.shoppers(1)])
    sale.drain()
    sign_in(client, shopper)
    page = read(client, "/orders")
    assert page.count('<li class="panel order">') == 1
    assert "History" in page
    assert page.count("Held for you") == 2


def test_whoever_has_no_orders_is_told_so(client: FlaskClient, shopper: Account) -> None:
    sign_in(client, shopper)
    assert "No orders yet" in read(client, "/orders")
