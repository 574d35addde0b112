"""Peers who do not behave: what they send is bounded, what they do not read is bounded, others go on."""

import json
import socket
import uuid
from typing import Any

import pytest

from benchmarks.client.frames import client_frame
from models.messages import pack_told
from tests.integration.socket_shop import Client, Shop, Shopper
from tests.support.polling import eventually

CONTINUATION, TEXT, PING = 0, 1, 9
SMALL = ((socket.SOL_SOCKET, socket.SO_RCVBUF, 4096),)


def raw(client: Client) -> socket.socket:
    """The client's socket, to say what no client would."""
    sock = client.ws.sock
    assert sock is not None
    return sock


def unfinished(opcode: int, payload: bytes) -> bytes:
    """A masked frame that announces another."""
    frame = bytearray(client_frame(opcode, payload))
    frame[0] &= 0x7F
    return bytes(frame)


@pytest.mark.parametrize(
    ("text", "code", "closing"),
    [
        ("{", "bad_json", 1003),
        ("", "bad_json", 1003),
        ("[1]", "bad_message", 1003),
        ("null", "bad_message", 1003),
        ("[" * 3000, "bad_json", 1003),
        ('{"type":"ping","pad":"' + "x" * 5000 + '"}', "too_large", 1009),
    ],
)
def test_what_is_no_message_ends_the_socket(shop: Shop, text: str, code: str, closing: int) -> None:
    client = shop.connect()
    client.ws.send(text)
    assert client.closing() == closing
    assert client.heard[-1]["code"] == code


def test_binary_is_refused(shop: Shop) -> None:
    client = shop.connect()
    client.ws.send_binary(b"{}")
    assert client.closing() == 1003


@pytest.mark.parametrize("message", [{"type": "dance"}, {}, {"type": 5}])
def test_an_unknown_message_is_an_error_only(shop: Shop, message: dict[str, Any]) -> None:
    client = shop.connect()
    assert client.ask(**message)["code"] == "unknown_message"
    assert client.ask(type="ping")["type"] == "pong"


def test_a_message_in_fragments_is_one_message(shop: Shop) -> None:
    client = shop.connect()
    sent = json.dumps({"type": "ping", "id": "ü"}, ensure_ascii=False).encode()
    pieces = [sent[at : at + 1] for at in range(len(sent))]
    raw(client).sendall(
        unfinished(TEXT, pieces[0]) + b"".join(unfinished(CONTINUATION, p) for p in pieces[1:])
    )
    raw(client).sendall(client_frame(PING, b"in between") + client_frame(CONTINUATION, b""))
    assert client.hear_type("pong")["id"] == "ü"


@pytest.mark.parametrize(
    "bytes_sent",
    [b"\x81\x05hello", b"\xff" * 64, b"GET / HTTP/1.1\r\n\r\n", b"\x81\x82\x01\x02\x03\x04\xfe\xfc"],
)
def test_what_is_no_websocket_ends_the_socket(shop: Shop, bytes_sent: bytes) -> None:
    client = shop.connect()
    raw(client).sendall(bytes_sent)
    assert client.closing() in {1002, 1007}
    assert shop.connect().ask(type="ping")["type"] == "pong"


def test_who_talks_too_much_is_warned_and_then_closed(shop: Shop) -> None:
    client = shop.connect()
    for _ in range(400):
        try:
            client.say(type="ping")
        except OSError:
            break
    assert client.closing() in {1008, 1006}
    assert "too_many_requests" in {said.get("code") for said in client.heard}


def test_a_flood_of_pings_is_talking_too_much(shop: Shop) -> None:
    client = shop.connect()
    raw(client).sendall(client_frame(PING, b"x" * 10) * 400)
    assert client.closing() in {1008, 1006}


def told(shop: Shop, shoppers: list[Shopper], number: int) -> None:
    """Tell each of them something of about a kilobyte."""
    message = {
        "id": str(uuid.uuid4()),
        "status": "left",
        "sale_id": str(uuid.uuid4()),
        "number": number,
        "filler": "x" * 1000,
    }
    shop.context.live.tell(uuid.uuid4(), pack_told([(str(one.id), message, None) for one in shoppers]))


def test_a_reader_who_does_not_read_is_cut_off_and_the_others_hear(shop: Shop) -> None:
    slow, quick = shop.make_shopper(), shop.make_shopper()
    quiet, lively = shop.connect(slow, sockopt=SMALL), shop.connect(quick)
    count = 1500
    for number in range(count):
        told(shop, [slow, quick], number)
        assert lively.hear()["number"] == number
    assert quiet.closing() in {4408, 1006}  # whether it reads again in time to hear of it or not
    heard = [said["number"] for said in quiet.heard if said["type"] == "intent"]
    assert heard == list(range(len(heard)))
    assert len(heard) < count


def test_a_reader_who_pauses_misses_nothing(shop: Shop) -> None:
    slow = shop.make_shopper()
    client, lively = shop.connect(slow, sockopt=SMALL), shop.connect(slow)
    count = 75  # more than the kernel keeps, and less than the outbox holds besides
    for number in range(count):
        told(shop, [slow], number)
        lively.hear()
    assert [client.hear()["number"] for _ in range(count)] == list(range(count))
    assert client.ask(type="ping")["type"] == "pong"


def test_a_slow_reader_who_reads_again_hears_why_it_was_ended(shop: Shop) -> None:
    slow = shop.make_shopper()
    client, lively = shop.connect(slow, sockopt=SMALL), shop.connect(slow)
    for number in range(150):
        told(shop, [slow], number)
        lively.hear()
    assert client.closing() == 4408
    heard = [said["number"] for said in client.heard if said["type"] == "intent"]
    assert heard == list(range(len(heard)))


def test_closing_is_answered(shop: Shop) -> None:
    client = shop.connect()
    client.ws.send_close(1000, b"bye")
    assert client.closing() == 1000


def test_a_peer_that_vanished_leaves_no_process_waiting(shop: Shop) -> None:
    """Its end is heard of by the first byte that is sent to it; a silent one, by the heartbeat."""
    sale_id, client = shop.open_sale(), shop.connect()
    client.ask(type="subscribe", sale_id=str(sale_id))
    sock = raw(client)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    sock.close()
    eventually(lambda: set(shop.connections().values()) == {0})
