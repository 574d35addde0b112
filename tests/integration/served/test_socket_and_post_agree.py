"""The same request by POST and by socket: the same intent, or the same refusal in the same words."""

import http.client
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.enums import SaleStatus
from tasks.sales import lifecycle
from tests.integration.distant_shop import DistantShop
from tests.integration.served.conftest import TOO_OFTEN
from tests.integration.socket_shop import Said, Shop, Shopper
from tests.support.proxy import Loss


@pytest.fixture
def shop(distant_shop: DistantShop) -> DistantShop:
    return distant_shop


def by_post(shop: Shop, shopper: Shopper | None, sale_id: uuid.UUID, body: Said, key: Any = None) -> Said:
    """Ask by HTTP; the answer with its status."""
    headers = {"Content-Type": "application/json"}
    if shopper is not None:
        headers["Authorization"] = f"Bearer {shopper.token}"
    if key is not None:
        headers["Idempotency-Key"] = key
    connection = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=30)
    connection.request("POST", f"/api/v1/sales/{sale_id}/intents", json.dumps(body), headers)
    answer = connection.getresponse()
    told: Said = json.loads(answer.read())
    connection.close()
    return {**told, "http": answer.status}


def by_socket(shop: Shop, shopper: Shopper | None, sale_id: uuid.UUID, body: Said, key: Any = None) -> Said:
    """Ask by a socket of its own."""
    client = shop.connect(shopper)
    more = {} if key is None else {"key": key}
    told = client.ask(type="intent", sale_id=str(sale_id), **body, **more)
    client.close()
    return told


Ask = Callable[[Shop, Shopper | None, uuid.UUID, Said, Any], Said]
WAYS: tuple[Ask, Ask] = (by_post, by_socket)


def opened(shop: Shop) -> uuid.UUID:
    return shop.open_sale(limit=2)


def moved(status: SaleStatus) -> Callable[[Shop], uuid.UUID]:
    def make(shop: Shop) -> uuid.UUID:
        sale_id = shop.open_sale()
        lifecycle.move_sale(shop.context, sale_id, status)
        return sale_id

    return make


def scheduled(shop: Shop) -> uuid.UUID:
    opens_at = datetime.now(UTC) + timedelta(hours=1)
    new_sale = lifecycle.NewSale(
        product_id=shop.product_id,
        allocation=5,
        price_minor=1999,
        currency="USD",
        opens_at=opens_at,
        closes_at=opens_at + timedelta(hours=1),
    )
    return lifecycle.create_sale(shop.context, new_sale).id


def nowhere(_shop: Shop) -> uuid.UUID:
    return uuid.uuid4()


@dataclass(frozen=True)
class Case:
    """A request that is refused: of whom, where, after what."""

    code: str
    status: int
    body: Said
    sale: Callable[[Shop], uuid.UUID] = opened
    key: Any = None
    before: Sequence[tuple[Said, Any]] = ()
    is_known: bool = True


NUMBERS: Sequence[Any] = (0, -1, 1.5, 1.0, "1", True, None, [], {}, 2**31, 10**30)
FLAGS: Sequence[Any] = (1, "yes", None, [])
CASES = [
    *(Case("invalid_fields", 422, {"quantity": number}) for number in NUMBERS),
    *(Case("invalid_fields", 422, {"accept_fewer": flag}) for flag in FLAGS),
    Case("invalid_fields", 422, {"colour": "red"}),
    Case("invalid_fields", 422, {"colour": "red", "quantity": 0, "accept_fewer": 3, "_schema": 1}),
    Case("invalid_fields", 422, {"quantity": 0}, sale=nowhere),
    Case("invalid_fields", 422, {"quantity": 0}, key="two words"),
    Case("bad_idempotency_key", 400, {}, key="two words"),
    Case("bad_idempotency_key", 400, {}, key="x" * 129),
    Case("bad_idempotency_key", 400, {}, key="two words", sale=nowhere),
    Case("no_such_sale", 404, {}, sale=nowhere),
    Case("not_open", 409, {}, sale=moved(SaleStatus.PAUSED)),
    Case("not_open", 409, {}, sale=scheduled),
    Case("sale_over", 410, {}, sale=moved(SaleStatus.ENDED)),
    Case("sale_over", 410, {}, sale=moved(SaleStatus.CANCELLED)),
    Case("limit_reached", 409, {"quantity": 3}),
    Case("already_in_line", 409, {}, before=[({}, None)]),
    Case("already_in_line", 409, {}, key="another", before=[({}, "one")]),
    Case("idempotency_key_reused", 422, {"quantity": 2}, key="one", before=[({}, "one")]),
    Case("too_many_requests", 429, {}, before=[({"quantity": 0}, None)] * TOO_OFTEN),
    Case("too_many_requests", 429, {"quantity": 0}, before=[({}, None)] * TOO_OFTEN, sale=nowhere),
    Case("unauthenticated", 401, {"quantity": 0}, is_known=False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{json.dumps(case.body)}-{case.key}")
def test_a_refusal_is_the_same_by_both_ways(shop: DistantShop, case: Case) -> None:
    told = []
    for ask in WAYS:
        shopper, sale_id = shop.make_shopper() if case.is_known else None, case.sale(shop)
        for body, key in case.before:
            ask(shop, shopper, sale_id, body, key)
        told.append(ask(shop, shopper, sale_id, case.body, case.key))
    posted, said = told
    assert (posted["http"], posted["code"]) == (case.status, case.code)
    for name in ("code", "errors"):
        assert said.get(name) == posted.get(name)
    if case.is_known:  # the one who is not is told what to do about it, which differs
        assert said["detail"] == posted["detail"]
    assert ("intent" in said) == ("intent" in posted)
    if "intent" in said:
        assert alike(said["intent"], posted["intent"])


def alike(one: Said, other: Said) -> bool:
    """Whether two intents of two sales say the same, but for what is theirs alone."""
    own = {"id", "sale_id", "submitted_at", "type", "reply_to", "http"}
    return {k: v for k, v in one.items() if k not in own} == {k: v for k, v in other.items() if k not in own}


@pytest.mark.parametrize(
    "body", [{}, {"quantity": 2}, {"quantity": 2, "accept_fewer": True}, {"accept_fewer": False}]
)
@pytest.mark.parametrize("key", [None, "a-key"])
def test_an_accepted_request_is_the_same_by_both_ways(shop: DistantShop, body: Said, key: Any) -> None:
    posted, said = (ask(shop, shop.make_shopper(), opened(shop), body, key) for ask in WAYS)
    assert (posted["http"], said["type"]) == (202, "intent")
    assert alike(posted, said)


@pytest.mark.parametrize(("first", "then"), [WAYS, WAYS[::-1]])
def test_a_key_is_known_by_the_other_way_too(shop: DistantShop, first: Ask, then: Ask) -> None:
    sale_id, shopper = opened(shop), shop.make_shopper()
    intent = first(shop, shopper, sale_id, {"quantity": 1}, "one-key")
    again = then(shop, shopper, sale_id, {"quantity": 1}, "one-key")
    assert (again["id"], again["ticket"], again["status"]) == (intent["id"], 1, "queued")
    shop.drain(sale_id)
    decided = then(shop, shopper, sale_id, {"quantity": 1}, "one-key")
    assert (decided["id"], decided["status"]) == (intent["id"], "held")
    assert shop.context.live.look(sale_id).number("last_ticket") == 1


@pytest.mark.parametrize("key", [None, "a-key"])
def test_a_lost_request_is_told_alike_by_both_ways(shop: DistantShop, key: Any) -> None:
    told = []
    for ask in WAYS:
        sale_id = opened(shop)
        shop.lose(Loss.REQUEST)
        told.append(ask(shop, shop.make_shopper(), sale_id, {}, key))
        assert shop.context.live.look(sale_id).number("last_ticket") == 0
    posted, said = told
    assert (posted["http"], posted["code"]) == (503, "line_unavailable")
    assert (said["code"], said["detail"]) == (posted["code"], posted["detail"])
    assert said["retry_after"] >= 1


def test_who_is_refused_by_one_way_is_refused_by_the_other(shop: DistantShop) -> None:
    """The limit is the account's, whichever way it comes."""
    shopper, sale_id = shop.make_shopper(), opened(shop)
    for ask in WAYS * (TOO_OFTEN // 2):
        ask(shop, shopper, sale_id, {"quantity": 0}, None)
    assert by_socket(shop, shopper, sale_id, {}, None)["code"] == "too_many_requests"
    assert by_post(shop, shopper, sale_id, {}, None)["http"] == 429
