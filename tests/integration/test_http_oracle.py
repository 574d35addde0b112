"""Every route with every kind of credential, and what no client would send: to a web process as deployed.

`python -m tests.oracle` asks the same at length, and watches the processes' memory meanwhile.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from models.enums import Role, StaffRole
from tasks.runtime.admin_log import Actor
from tasks.staff.keys import make_key
from tests.integration.socket_shop import SECRET_KEY, Shop, running_shop
from tests.oracle.credentials import Person
from tests.oracle.frames import Frames
from tests.oracle.judge import faults
from tests.oracle.oddities import Oddities
from tests.oracle.questions import every_credential, everything_odd
from tests.oracle.routes import ID, Route, Who, routes_of
from tests.oracle.sockets import talk
from tests.oracle.wire import Request, ask
from web import create_app

__all__ = ["running_shop"]

REQUESTS = 600
FRAMES = 3_000
HOST = (b"Host", b"shop.example")
ADMINS = Person(uuid.uuid4(), uuid.uuid4(), Role.ADMIN, StaffRole.OWNER)


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
def shopper(running_shop: Shop) -> Person:
    made = running_shop.make_shopper()
    return Person(made.id, made.family, Role.SHOPPER)


@pytest.fixture(scope="module")
def admin(running_shop: Shop) -> Person:
    """An admin by token; the account is a shopper's, which no route of these looks at."""
    made = running_shop.make_shopper()
    return Person(made.id, made.family, Role.ADMIN, StaffRole.OWNER)


def test_each_route_lets_in_who_may_go_it_and_nobody_else(
    running_shop: Shop, routes: list[Route], shopper: Person, admin: Person
) -> None:
    assert {route.who for route in routes} == set(Who)
    keys = {role: a_key(running_shop, role, admin) for role in StaffRole}
    people = (shopper, admin)
    wrong = list(every_credential(running_shop.port, routes, SECRET_KEY, *people, program_keys=keys))
    assert not wrong


def a_key(shop: Shop, role: StaffRole, owner: Person) -> str:
    by = Actor(owner.user_id)
    return make_key(shop.context, name="oracle", staff_role=role, expires_at=None, by=by).key


def test_whatever_is_odd_is_the_senders_fault(
    running_shop: Shop, routes: list[Route], shopper: Person, admin: Person
) -> None:
    tokens = [one.token(SECRET_KEY) for one in (shopper, admin)]
    sale = str(running_shop.open_sale()).encode()
    real = [replace(one, target=one.target.replace(ID.encode(), sale)) for one in routes]
    ids = [ID, sale.decode(), str(running_shop.product_id)]
    oddities = Oddities([*routes, *real], tokens, ids, seed=1)
    wrong = list(everything_odd(running_shop.port, oddities, REQUESTS))
    assert not wrong


def test_whatever_is_said_on_a_socket_is_answered_or_ends_it(running_shop: Shop, shopper: Person) -> None:
    ids = [ID, str(running_shop.open_sale())]
    wrong = list(talk(running_shop.port, Frames(ids, seed=1), FRAMES, shopper.token(SECRET_KEY)))
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
