"""Who a socket is: tokens, cookies and origins, and that nobody hears what is another's."""

import json
import time
import uuid
from typing import Any

import pytest
import websocket

from models.messages import pack_told
from tests.integration.socket_shop import SECRET_KEY, Shop
from web.auth.identity import ACCESS_COOKIE
from web.auth.revocation import RevokedFamilies
from web.auth.tokens import Tokens


def refused(shop: Shop, path: str = "", **options: Any) -> tuple[int, str]:
    """The status and code of a refused upgrade."""
    options.setdefault("suppress_origin", "origin" not in options)
    with pytest.raises(websocket.WebSocketBadStatusException) as error:
        websocket.create_connection(f"ws://127.0.0.1:{shop.port}/ws{path}", **options)
    return error.value.status_code, json.loads(error.value.resp_body or b"")["code"]


def test_a_good_token_makes_ready(shop: Shop) -> None:
    shopper = shop.make_shopper()
    client = shop.connect()
    client.say(type="auth", token=shopper.token)
    assert client.hear() == {"type": "ready", "user_id": str(shopper.id)}
    assert client.ask(type="auth", token=shopper.token)["user_id"] == str(shopper.id)


def test_a_bad_token_closes_the_socket(shop: Shop) -> None:
    shopper = shop.make_shopper()
    for token in ("", "garbage", shopper.token[:-2] + "xx", shopper.token + "."):
        client = shop.connect()
        client.say(type="auth", token=token)
        assert client.hear()["code"] == "unauthenticated"
        assert client.closing() == 4401


def test_a_token_that_is_no_text_is_an_error(shop: Shop) -> None:
    assert shop.connect().ask(type="auth", token=5)["code"] == "invalid_fields"


def test_a_revoked_log_in_ends_its_sockets_and_no_others(shop: Shop) -> None:
    shopper, other = shop.make_shopper(), shop.make_shopper()
    client, bystander = shop.connect(shopper), shop.connect(other)
    shop.revoke(shopper)
    assert client.hear()["code"] == "unauthenticated"
    assert client.closing() == 4401
    assert bystander.ask(type="ping")["type"] == "pong"


def test_an_expired_token_takes_the_identity_and_a_fresh_one_gives_it_back(shop: Shop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper(lives_s=1)
    client = shop.connect(shopper)
    client.ask(type="subscribe", sale_id=str(sale_id))
    told = [said for said in client.heard if said["type"] == "error"]  # where the answer took its time
    assert (told or [client.hear_type("error")])[0]["code"] == "token_expired"
    shop.context.live.tell(sale_id, pack_told([(str(shopper.id), {"id": "unheard"}, None)]))
    assert client.ask(type="intent", sale_id=str(sale_id))["code"] == "unauthenticated"
    other = shop.make_shopper()
    assert client.ask(type="auth", token=other.token)["user_id"] == str(other.id)
    assert "unheard" not in json.dumps(client.heard)


def test_a_renewed_log_in_prolongs_its_own_socket_and_no_other(shop: Shop) -> None:
    shopper, other = shop.make_shopper(), shop.make_shopper()
    client, stranger = shop.connect(shopper), shop.connect(other)
    lives_s = shop.settings.access_token_s
    until = int(time.time()) + 2 * lives_s
    tokens = Tokens(SECRET_KEY, RevokedFamilies(shop.context.database, keep_s=lives_s))
    word = tokens.write_renewal(shopper.family, until)
    for bad in ("", "5", word[:-1], word.replace(str(until), str(until + 1)), "é." + word, 7):
        assert client.ask(type="auth", renewal=bad)["type"] == "error"
    assert stranger.ask(type="auth", renewal=word)["code"] == "unauthenticated"
    assert shop.connect().ask(type="auth", renewal=word)["code"] == "unauthenticated"
    ready = client.ask(type="auth", renewal=word)
    assert (ready["type"], ready["user_id"]) == ("ready", str(shopper.id))
    assert lives_s < ready["expires_in"] <= 2 * lives_s
    earlier = tokens.write_renewal(shopper.family, until - lives_s)
    assert client.ask(type="auth", renewal=earlier)["expires_in"] > lives_s  # a word never shortens it
    shop.revoke(shopper)
    assert client.hear_type("error")["code"] == "unauthenticated"
    assert client.closing() == 4401


def test_nobody_hears_what_is_another_shoppers(shop: Shop) -> None:
    sale_id = shop.open_sale()
    shoppers = [shop.make_shopper() for _ in range(3)]
    clients = [shop.connect(shopper) for shopper in shoppers] + [shop.connect()]
    for client in clients:
        client.ask(type="subscribe", sale_id=str(sale_id))
    intents = [shop.submit(shopper, sale_id)["id"] for shopper in shoppers]
    shop.drain(sale_id)
    for client, intent in zip(clients, intents, strict=False):
        client.hear_type("order")
        assert {said["id"] for said in client.heard if said["type"] == "intent"} == {intent}
    clients[-1].hear_type("sale", held=3)
    assert {said["type"] for said in clients[-1].heard} == {"sale"}


def test_another_user_on_the_same_socket_takes_it_over(shop: Shop) -> None:
    sale_id, first, second = shop.open_sale(), shop.make_shopper(), shop.make_shopper()
    client = shop.connect(first)
    assert client.ask(type="auth", token=second.token)["user_id"] == str(second.id)
    shop.submit(first, sale_id)
    mine = shop.submit(second, sale_id)["id"]
    shop.drain(sale_id)
    assert client.hear_type("intent")["id"] == mine


def test_every_socket_of_a_shopper_hears_the_verdict(shop: Shop) -> None:
    sale_id, shopper = shop.open_sale(), shop.make_shopper()
    clients = [shop.connect(shopper) for _ in range(3)]
    intent = shop.submit(shopper, sale_id)["id"]
    shop.drain(sale_id)
    for client in clients:
        assert client.hear_type("intent")["id"] == intent


def test_a_browser_is_let_in_by_its_cookie(shop: Shop) -> None:
    shopper = shop.make_shopper()
    for own in (f"http://127.0.0.1:{shop.port}", f"https://127.0.0.1:{shop.port}"):
        client = shop.connect(origin=own, cookie=f"{ACCESS_COOKIE}={shopper.token}")
        assert client.hear() == {"type": "ready", "user_id": str(shopper.id)}


def test_a_stale_cookie_is_nobodys(shop: Shop) -> None:
    client = shop.connect(origin=f"http://127.0.0.1:{shop.port}", cookie=f"{ACCESS_COOKIE}=stale")
    assert client.ask(type="intent", sale_id=str(uuid.uuid4()))["code"] == "unauthenticated"


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://127.0.0.1:1",
        "null",
        "http://127.0.0.1.evil.example:{port}",
        "http://evil.example@127.0.0.1:1",
        "http://[::1",
        "file://",
        "http://127.0.0.1:{port}/path",
    ],
)
def test_a_foreign_origin_is_refused_before_the_upgrade(shop: Shop, origin: str) -> None:
    assert refused(shop, origin=origin.format(port=shop.port)) == (403, "bad_origin")


def test_a_token_in_the_url_is_refused(shop: Shop) -> None:
    token = shop.make_shopper().token
    for query in (f"?token={token}", "?access_token=x", f"?q={token}", "?jwt="):
        assert refused(shop, query) == (400, "token_in_url")
