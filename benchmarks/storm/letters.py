"""The letters of a storm: webhooks, genuine and forged, each with the answer that it must get."""

import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from tasks.providers.sandbox.signature import HEADER, sign

Payload = dict[str, Any]
Headers = Callable[[], Mapping[str, str]]

PATH: Final = "/api/v1/payments/webhooks/sandbox"
TAKEN: Final = frozenset({200})
REFUSED: Final = frozenset({400})
STRANGER: Final = frozenset({404})
TOO_LARGE: Final = frozenset({413})
TOO_LONG: Final = 70_000  # bytes; the shop reads 64 KiB
WRONG_BY_S: Final = (-301, -86_400, 3600, 86_400)  # seconds; the first is just outside of what is tolerated


class Kind(StrEnum):
    """What a letter is."""

    FIRST = "first"  # of the provider's, for the first time in the storm
    LATE = "late"  # the same, of a charge that succeeded when its hold was over
    REPEAT = "repeat"  # a copy of one of these, in any order
    REUSED_ID = "reused id"  # signed; the id of an event that was taken, and other news
    UNKNOWN = "unknown kind"  # signed, and none of the shop's business
    WRONG_SECRET = "wrong secret"  # noqa: S105 - a kind of forgery
    TAMPERED = "tampered body"
    SPLICED = "spliced"  # one event's id and signature, another payment's news
    WRONG_TIME = "wrong time"
    UNSIGNED = "unsigned"
    BAD_HEADER = "bad header"
    OTHER_PROVIDER = "other provider"
    GARBAGE = "garbage"


GENUINE: Final = (Kind.FIRST, Kind.LATE, Kind.REPEAT)
HARMLESS: Final = (Kind.REUSED_ID, Kind.UNKNOWN)  # signed by the provider, and to be taken without effect
FORGED: Final = (
    Kind.WRONG_SECRET,
    Kind.TAMPERED,
    Kind.SPLICED,
    Kind.WRONG_TIME,
    Kind.UNSIGNED,
    Kind.BAD_HEADER,
    Kind.OTHER_PROVIDER,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A webhook on its way: what is sent, and which answers are right. It is signed again at each try."""

    kind: Kind
    path: str
    sign: Headers
    body: bytes
    expected: frozenset[int]
    event_id: str | None = None  # that it bears, true or not


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes letters, with the provider's secret and with others."""

    secret: bytes
    dice: random.Random

    def genuine(self, kind: Kind, payload: Payload) -> Letter:
        """Write what the provider says, as it would send it now."""
        body = orjson.dumps(payload)
        return Letter(kind, PATH, self.signing(body), body, TAKEN, payload["id"])

    def reused_id(self, payload: Payload, other: Payload) -> Letter:
        """Write other news under the id of an event that was taken: it has to pass for a repeat."""
        return self.genuine(Kind.REUSED_ID, contradict(other) | {"id": payload["id"]})

    def unknown(self) -> Letter:
        """Write news of a kind that is nobody's business here."""
        payload = {"id": f"sbx_evt_{uuid.uuid4().hex}", "type": "payout.created", "created": 1, "data": {}}
        return self.genuine(Kind.UNKNOWN, payload)

    def forged(self, kind: Kind, payload: Payload, other: Payload) -> Letter:
        """Forge a letter about the payment of `payload`; `other` is a true event of another one."""
        return _FORGERS[kind](self, payload, other)

    def garbage(self) -> Letter:
        """Write what is no webhook at all, every second time signed as if it were."""
        body = self.dice.choice(_GARBAGE)(self.dice)
        expected = TOO_LARGE if len(body) >= TOO_LONG else REFUSED
        signing = self.signing(body) if self.dice.random() < 0.5 else dict
        return Letter(Kind.GARBAGE, PATH, signing, body, expected)

    def signing(self, body: bytes, *, off_s: int = 0, secret: bytes | None = None) -> Headers:
        """Sign a body whenever it is sent, as if that were `off_s` seconds from now."""
        key = secret or self.secret
        return lambda: {HEADER: sign(key, body, int(time.time()) + off_s)}


def contradict(payload: Payload) -> Payload:
    """Turn an event into its contrary, under an id of its own."""
    data: Payload = payload["data"]
    state = "declined" if data["state"] == "succeeded" else "succeeded"
    subject = str(payload["type"]).partition(".")[0]
    said = data | {"state": state, "code": "card_declined" if state == "declined" else None}
    return payload | {"id": f"sbx_evt_{uuid.uuid4().hex}", "type": f"{subject}.{state}", "data": said}


def _letter(kind: Kind, payload: Payload, signing: Headers, path: str = PATH) -> Letter:
    expected = STRANGER if path != PATH else REFUSED
    return Letter(kind, path, signing, orjson.dumps(payload), expected, payload["id"])


def _wrong_secret(writer: Writer, payload: Payload, _other: Payload) -> Letter:
    claim = contradict(payload)
    wrong = writer.dice.randbytes(32).hex().encode()
    return _letter(Kind.WRONG_SECRET, claim, writer.signing(orjson.dumps(claim), secret=wrong))


def _tampered(writer: Writer, payload: Payload, _other: Payload) -> Letter:
    changed = contradict(payload) | {"id": payload["id"]}
    if writer.dice.random() < 0.5:
        changed = payload | {"data": payload["data"] | {"amount_minor": payload["data"]["amount_minor"] + 1}}
    return _letter(Kind.TAMPERED, changed, writer.signing(orjson.dumps(payload)))


def _spliced(writer: Writer, payload: Payload, other: Payload) -> Letter:
    claim = contradict(payload) | {"id": other["id"], "created": other["created"] + 1}
    return _letter(Kind.SPLICED, claim, writer.signing(orjson.dumps(other)))


def _wrong_time(writer: Writer, payload: Payload, _other: Payload) -> Letter:
    off_s = writer.dice.choice(WRONG_BY_S)
    return _letter(Kind.WRONG_TIME, payload, writer.signing(orjson.dumps(payload), off_s=off_s))


def _unsigned(_writer: Writer, payload: Payload, _other: Payload) -> Letter:
    return _letter(Kind.UNSIGNED, contradict(payload), dict)


def _bad_header(writer: Writer, payload: Payload, _other: Payload) -> Letter:
    signed = writer.signing(orjson.dumps(payload))
    spoil = writer.dice.choice(_SPOILERS)
    return _letter(Kind.BAD_HEADER, payload, lambda: {HEADER: spoil(*signed()[HEADER].split(","))})


def _other_provider(writer: Writer, payload: Payload, _other: Payload) -> Letter:
    signing = writer.signing(orjson.dumps(payload))
    return _letter(Kind.OTHER_PROVIDER, payload, signing, "/api/v1/payments/webhooks/nobody")


_SPOILERS: Final[tuple[Callable[[str, str], str], ...]] = (  # of «t=…» and «v1=…»
    lambda _at, _digest: "",
    lambda at, _digest: at,
    lambda _at, digest: digest,
    lambda at, digest: f"{at},{at},{digest}",
    lambda at, digest: f"{at},v0={digest[3:]}",
    lambda at, digest: f"{at},{digest[:-1]}",
    lambda at, digest: f"{at},{digest}," + "v1=" + "0" * 3000,
)
_FORGERS: Final[dict[Kind, Callable[[Writer, Payload, Payload], Letter]]] = {
    Kind.WRONG_SECRET: _wrong_secret,
    Kind.TAMPERED: _tampered,
    Kind.SPLICED: _spliced,
    Kind.WRONG_TIME: _wrong_time,
    Kind.UNSIGNED: _unsigned,
    Kind.BAD_HEADER: _bad_header,
    Kind.OTHER_PROVIDER: _other_provider,
}
_GARBAGE: Final[tuple[Callable[[random.Random], bytes], ...]] = (
    lambda dice: dice.randbytes(dice.randint(1, 400)),
    lambda _: b"",
    lambda _: b"[" * 20_000,
    lambda _: b'{"id": "sbx_evt_1", "type": "charge.succeeded"',
    lambda _: b'{"id": 7, "type": "charge.succeeded", "created": -1, "data": []}',
    lambda _: orjson.dumps([{"id": "sbx_evt_1"}]),
    lambda _: b'{"a":"' + b"x" * TOO_LONG + b'"}',
)
