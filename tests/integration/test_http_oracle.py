"""Every route with every kind of credential, and what no client would send: to a web process as deployed.

`python -m tests.oracle` asks the same at length, and watches the processes' memory meanwhile.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from models.tables.orders import Order
from tasks.payments.pay import PaymentDesk
from tasks.sales import lifecycle
from tests.integration.socket_shop import SECRET_KEY, Shop, Shopper
from tests.oracle.credentials import Person, shown
from tests.oracle.frames import Frames
from tests.oracle.judge import faults
from tests.oracle.oddities import Oddities
from tests.oracle.people import People
from tests.oracle.questions import everybody, everything_odd, in_line, nobodys, of_another
from tests.oracle.routes import ID, Route, routes_of
from tests.oracle.sockets import talk
from tests.oracle.who_may import WHO_MAY
from tests.oracle.wire import Header, Request, ask
from tests.support.polling import eventually
from web import create_app

REQUESTS = 300
FRAMES = 1_000
Told = dict[str, Any]
Way = Callable[[Shop, str, uuid.UUID], Told]

HOST = (b"Host", b"shop.example")
HEADS = 9  # of so many who would ask by HEAD one does
GONE = (
    3  # of so many whose credentials count no more one asks for a route; `python -m tests.oracle` has all ask
)
EACH = 2  # of the credentials that are no good, to a route


@pytest.fixture(scope="module")
def running_shop(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop whose staff have to show a second factor, with room for everybody's questions."""
    limits = {"RATE_LIMIT_API": "100000/minute"}
    place = tmp_path_factory.mktemp("shop")
    with closing(Shop(place, database_url, STAFF_SECOND_FACTOR="required", **limits)) as shop:
        shop.start()
        yield shop


@pytest.fixture(autouse=True)
def unbroken(running_shop: Shop) -> Iterator[None]:
    """Nothing that a test sends may be written down as broken."""
    before = running_shop.log.count("Traceback")
    yield
    assert running_shop.log.count("Traceback") == before, running_shop.log[-4_000:]


@pytest.fixture(scope="module")
def routes(running_shop: Shop) -> list[Route]:
    return list(routes_of(create_app(running_shop.settings)))


@pytest.fixture(scope="module")
def people(running_shop: Shop) -> People:
    found = People(running_shop.context)
    for person in found.gone:
        eventually(partial(is_signed_out, running_shop, person))
    return found


def is_signed_out(shop: Shop, person: Person) -> bool:
    shown_token = shown(person.token(SECRET_KEY))
    answer = ask(shop.port, Request(target=b"/api/v1/me", headers=(HOST, shown_token)).raw)
    return answer is not None and answer.status == 401


def test_the_table_of_who_may_knows_every_route_and_no_other(routes: list[Route]) -> None:
    assert {route.named for route in routes} == set(WHO_MAY)


def test_each_route_lets_in_who_may_go_it_and_nobody_else(
    running_shop: Shop, routes: list[Route], people: People
) -> None:
    assert not list(everybody(running_shop.port, routes, SECRET_KEY, people, heads=HEADS, gone=GONE))


def test_what_is_anothers_is_seen_by_whose_role_may_and_changed_by_nobody(
    running_shop: Shop, routes: list[Route], people: People
) -> None:
    order = paid_order(running_shop, people.shopper)
    log_in = people.sign_in(people.shopper).family
    own = {"orders": order.id, "intents": order.intent_id, "tasks": order.intent_id, "sessions": log_in}
    ids = {noun: str(one) for noun, one in own.items()}
    assert not list(of_another(running_shop.port, routes, SECRET_KEY, people, ids))


def by_post(shop: Shop, token: str, sale_id: uuid.UUID, *headers: Header) -> Told:
    """By a plain request, which is answered at the connection."""
    target = f"/api/v1/sales/{sale_id}/intents".encode()
    request = Request(b"POST", target, (HOST, *([shown(token)] if token else []), *headers)).with_body(b"{}")
    answer = ask(shop.port, request.raw)
    assert answer is not None
    told: Told = json.loads(answer.body)
    return told


def by_flask(shop: Shop, token: str, sale_id: uuid.UUID) -> Told:
    return by_post(shop, token, sale_id, (b"Connection", b"close"))


def by_socket(shop: Shop, token: str, sale_id: uuid.UUID) -> Told:
    client = shop.connect()
    with suppress(ValueError):  # it is closed on who shows what is no good
        if token:
            client.ask(type="auth", token=token)
        client.ask(type="intent", sale_id=str(sale_id))
    return client.heard[-1]


@pytest.mark.parametrize("way", [by_post, by_flask, by_socket])
def test_a_sale_for_confirmed_addresses_gives_tickets_to_those_alone(
    running_shop: Shop, people: People, way: Way
) -> None:
    sale_id = running_shop.open_sale(allocation=len(people.askers))
    lifecycle.change_sale(running_shop.context, sale_id, {"requires_verified_email": True})
    wrong = list(in_line(people, SECRET_KEY, lambda token: way(running_shop, token, sale_id)))
    assert not wrong


def paid_order(shop: Shop, person: Person) -> Order:
    """An order with a receipt: what costs nothing is paid at once."""
    sale_id = shop.open_sale(price_minor=0)
    shop.submit(Shopper(person.user_id, "", person.family), sale_id)
    shop.drain(sale_id)
    with shop.context.database.transaction() as session:
        order = session.scalars(select(Order).where(Order.sale_id == sale_id)).one()
    PaymentDesk(shop.context).pay(person.user_id, order.id, method="free")
    return order


def test_no_credential_that_is_no_good_is_let_in(
    running_shop: Shop, routes: list[Route], people: People
) -> None:
    asked = [one for one in routes if one.method != b"HEAD"]  # which goes the way of GET
    assert not list(nobodys(running_shop.port, asked, SECRET_KEY, people, each=EACH))


def test_whatever_is_odd_is_the_senders_fault(
    running_shop: Shop, routes: list[Route], people: People
) -> None:
    tokens = [people.sign_in(one).token(SECRET_KEY) for one in (people.shopper, people.owner)]
    sale = str(running_shop.open_sale()).encode()
    real = [replace(one, target=one.target.replace(ID.encode(), sale)) for one in routes]
    ids = [ID, sale.decode(), str(running_shop.product_id)]
    oddities = Oddities([*routes, *real], tokens, ids, seed=1)
    wrong = list(everything_odd(running_shop.port, oddities, REQUESTS))
    assert not wrong


def test_whatever_is_said_on_a_socket_is_answered_or_ends_it(running_shop: Shop, people: People) -> None:
    ids = [ID, str(running_shop.open_sale())]
    token = people.sign_in(people.shopper).token(SECRET_KEY)
    wrong = list(talk(running_shop.port, Frames(ids, seed=1), FRAMES, token))
    assert not wrong


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"get / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 100_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 300 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nExpect: the unexpected\r\n\r\n", 417),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: something\r\n\r\n", 400),
        (b"POST /session HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", 400),
        (b"POST /session HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}", 400),
        (b"POST /session HTTP/1.1\r\nContent-Length: 5\r\n\r\n{}", 400),
        (b"PROPFIND / HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"TRACE /api/v1/me HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"GET /static/" + b"a" * 300 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /static/%00 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 426),
    ],
)
def test_what_the_server_cannot_read_is_told_as_the_app_tells(
    running_shop: Shop, raw: bytes, status: int
) -> None:
    answer = ask(running_shop.port, raw)
    assert answer is not None
    assert answer.status == status
    assert not faults(Request(), answer)
    assert set(json.loads(answer.body)) == {"type", "title", "status", "detail", "code"}


@pytest.mark.parametrize(
    "header", [(b"SCRIPT_NAME", b"/healthz"), (b"PATH_INFO", b"/admin"), (b"X-Forwarded-Proto", b"https")]
)
def test_nobody_on_this_machine_is_a_proxy_unasked(running_shop: Shop, header: tuple[bytes, bytes]) -> None:
    answer = ask(running_shop.port, Request(target=b"/healthz", headers=(HOST, header)).raw)
    assert answer is not None
    assert json.loads(answer.body) == {"status": "ok"}


@pytest.mark.parametrize("path", [b"/static/css/base.css", b"/docs/assets/start.js"])
@pytest.mark.parametrize(
    "header",
    [
        (b"Range", b"bytes=0-" + b"9" * 5_000),
        (b"Range", b"bytes=" + b"0-1," * 1_500),
        (b"If-Modified-Since", b"Thu, 01 Jan 99999999999 00:00:00 GMT"),
        (b"If-Range", b"\xff"),
        (b"If-None-Match", b'"' + b"x" * 7_000),
        (b"If-None-Match", b"*"),
        (b"If-Match", b'W/"x"'),
    ],
)
def test_an_odd_condition_is_none(running_shop: Shop, path: bytes, header: tuple[bytes, bytes]) -> None:
    for method in (b"GET", b"HEAD"):
        request = Request(method, path, (HOST, header))
        answer = ask(running_shop.port, request.raw, is_head=method == b"HEAD")
        assert answer is not None
        assert answer.status in {200, 206, 304, 412, 416}
        assert not faults(request, answer)
