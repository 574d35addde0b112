"""Many sockets at once: they share round trips, keep their own order, and keep nobody else waiting."""

import json
import uuid

import pytest

from benchmarks.client.frames import client_frame
from benchmarks.client.http_wire import Target
from benchmarks.speed.socket_load import connected
from tests.integration.distant_shop import DistantShop
from tests.integration.socket_shop import Client, Said, Shopper
from tests.support.polling import eventually
from tests.support.proxy import Loss

CROWD = 1000
TEXT = 1


@pytest.fixture
def shop(distant_shop: DistantShop) -> DistantShop:
    return distant_shop


def auth(shopper: Shopper) -> bytes:
    return json.dumps({"type": "auth", "token": shopper.token}).encode()


def intent(sale_id: uuid.UUID) -> bytes:
    return json.dumps({"type": "intent", "sale_id": str(sale_id)}).encode()


def in_line(shop: DistantShop, sale_id: uuid.UUID) -> int:
    return shop.context.live.look(sale_id).line_length


def test_a_thousand_intents_at_once_are_dense_and_each_is_answered_once(shop: DistantShop) -> None:
    sale_id, crowd = shop.open_sale(), shop.make_crowd(CROWD)
    with connected(Target("127.0.0.1", shop.port), [auth(one) for one in crowd]) as sockets:
        heard = sockets.ask([intent(sale_id)] * CROWD, seconds=60)
        last = sockets.ask([b'{"type":"ping"}'] * CROWD, seconds=60)
    told = [json.loads(answer) for answer in heard.answers]
    assert {one["type"] for one in told} == {"intent"}
    assert sorted(one["ticket"] for one in told) == list(range(1, CROWD + 1))
    standing = shop.context.live.standing_of_each(sale_id, [str(one.id) for one in crowd])
    assert [standing.of[str(one.id)].intent.intent_id for one in crowd] == [one["id"] for one in told]
    assert set(last.answers) == {b'{"type":"pong"}'}


def test_what_waits_for_the_line_keeps_nobody_else_waiting(shop: DistantShop) -> None:
    sale_id, other = shop.open_sale(), shop.open_sale()
    shop.hold_back()
    waiting = [shop.connect(one) for one in shop.make_crowd(40)]
    for client in waiting:
        client.say(type="intent", sale_id=str(sale_id))
    shop.await_in_flight()
    quick = shop.connect(shop.make_shopper())
    assert quick.ask(type="ping")["type"] == "pong"
    assert quick.ask(type="subscribe", sale_id=str(sale_id))["waiting"] == 0
    assert quick.ask(type="intent", sale_id=str(other))["ticket"] == 1
    shop.proxy.go_on.set()
    assert sorted(client.hear_type("intent")["ticket"] for client in waiting) == list(range(1, 41))
    assert quick.hear_type("sale", waiting=40)["last_ticket"] == 40


def test_messages_of_one_socket_are_answered_in_their_order(shop: DistantShop) -> None:
    sale_id = str(shop.open_sale())
    client = shop.connect(shop.make_shopper())
    asked: list[Said] = [
        {"type": "ping"},
        {"type": "intent", "sale_id": sale_id},
        {"type": "ping"},
        {"type": "intent", "sale_id": sale_id},
        {"type": "subscribe", "sale_id": sale_id},
        {"type": "intent", "sale_id": str(uuid.uuid4())},
        {"type": "leave", "intent_id": str(uuid.uuid4())},
        {"type": "intent", "sale_id": sale_id, "quantity": 0},
        {"type": "ping"},
    ]
    say_at_once(client, [{**one, "id": number} for number, one in enumerate(asked)])
    answers = [client.hear_until(lambda said: "reply_to" in said) for _ in asked]
    assert [one["reply_to"] for one in answers] == list(range(len(asked)))
    told = [one["type"] if one["type"] != "error" else one["code"] for one in answers]
    assert told == [
        *("pong", "intent", "pong", "already_in_line", "sale"),
        *("no_such_sale", "not_found", "invalid_fields", "pong"),
    ]


def say_at_once(client: Client, messages: list[Said]) -> None:
    """Say several things in one write."""
    sock = client.ws.sock
    assert sock is not None
    sock.sendall(b"".join(client_frame(TEXT, json.dumps(one).encode()) for one in messages))


def test_who_leaves_in_the_same_breath_has_left(shop: DistantShop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    first = shop.connect(shopper).ask(type="intent", sale_id=str(sale_id))
    client = shop.connect(shopper)
    say_at_once(
        client,
        [
            {"type": "leave", "intent_id": first["id"]},
            {"type": "intent", "sale_id": str(sale_id), "id": "again"},
        ],
    )
    assert client.hear_type("intent", reply_to="again")["ticket"] == 2


def test_a_socket_that_dies_while_its_intent_is_in_flight_leaves_it_in_line_once(shop: DistantShop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    shop.hold_back()
    client = shop.connect(shopper)
    client.say(type="intent", sale_id=str(sale_id))
    shop.await_in_flight()
    client.close()
    shop.proxy.go_on.set()
    eventually(lambda: in_line(shop, sale_id) == 1)
    again = shop.connect(shopper)
    again.say(type="subscribe", sale_id=str(sale_id))
    assert again.hear_type("intent")["ticket"] == 1
    assert again.ask(type="intent", sale_id=str(sale_id))["code"] == "already_in_line"
    assert shop.connect(shop.make_shopper()).ask(type="intent", sale_id=str(sale_id))["ticket"] == 2


def test_a_lost_reply_is_looked_up_and_told_to_the_socket(shop: DistantShop) -> None:
    sale_id, client = shop.open_sale(), shop.connect(shop.make_shopper())
    shop.lose(Loss.REPLY)
    intent = client.ask(type="intent", sale_id=str(sale_id))
    assert shop.proxy.lost.is_set()
    assert (intent["type"], intent["ticket"], intent["status"]) == ("intent", 1, "queued")
    assert in_line(shop, sale_id) == 1


def test_a_lost_reply_is_told_to_the_socket_although_the_verdict_came_meanwhile(shop: DistantShop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    client, listening = shop.connect(shopper), shop.connect(shopper)
    listening.ask(type="subscribe", sale_id=str(sale_id))
    shop.lose(Loss.REPLY)
    client.say(type="intent", sale_id=str(sale_id), id="mine")
    assert shop.proxy.lost.wait(20)
    shop.drain(sale_id)
    assert listening.hear_type("order")["status"] == "held"
    assert client.hear_type("intent", reply_to="mine")["status"] == "held"
