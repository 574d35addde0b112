"""Makes what a client might say on a WebSocket: good frames, odd ones, and good ones spoilt."""

import json
import random
from collections.abc import Sequence
from typing import Any, Final

from benchmarks.client.frames import client_frame, mask
from tests.oracle.routes import ID

_VALUES: Final[tuple[Any, ...]] = (
    *(
        None,
        True,
        0,
        -1,
        2**63,
        10**30,
        1.5,
        "",
        "x",
        ID,
        "\x00",
        "é" * 40,
        "x" * 900,
        "1893456000.x",
        "٣.é",
        [],
        {},
        [[[]]],
        {"a": 1},
    ),
)
_TYPES: Final = ("auth", "subscribe", "unsubscribe", "intent", "leave", "ping", "dance", "", "__class__")
_FIELDS: Final = (
    "token",
    "renewal",
    "sale_id",
    "intent_id",
    "quantity",
    "accept_fewer",
    "key",
    "id",
    "type",
    "more",
)
_TEXTS: Final = (
    *(
        b"",
        b"{",
        b"null",
        b"[" * 3_000,
        b"NaN",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b'{"type":"\\ud800"}',
        b'"x"',
        b"1" * 400,
    ),
    *(
        b'{"type":' + b'{"a":' * 600,
        b'{"type":"ping"}' * 2,
        b"\x00",
        b'{"type":"ping","type":"intent"}',
        b" ",
    ),
)


class Frames:
    """What one client after another sends, always the same for a seed."""

    def __init__(self, ids: Sequence[str], seed: int) -> None:
        self._ids = ids
        self._chance = random.Random(seed)

    def next(self) -> tuple[bytes, bool]:
        """Something to send, and whether it is a whole frame, so that another may follow."""
        if self._chance.random() < 0.1:
            return self._unlike_any(), False
        frame = self._frame()
        return (self._spoilt(frame), False) if self._chance.random() < 0.2 else (frame, True)

    def _frame(self) -> bytes:
        chance = self._chance.random()
        if chance < 0.7:
            return client_frame(1, self._message())
        if chance < 0.8:
            return client_frame(1, self._chance.choice(_TEXTS))
        return client_frame(self._chance.randrange(16), self._bytes(self._chance.randrange(200)))

    def _message(self) -> bytes:
        said = {name: self._value() for name in self._chance.sample(_FIELDS, self._chance.randint(0, 4))}
        if self._chance.random() < 0.9:
            said["type"] = self._chance.choice(_TYPES)
        return json.dumps(said).encode()

    def _value(self) -> Any:
        return self._chance.choice((*_VALUES, *self._ids))

    def _unlike_any(self) -> bytes:
        """Two bytes of a head at will, and a size that may be a lie."""
        first, second = self._bytes(1), self._bytes(1)
        size = self._chance.choice(
            (b"", b"\x00\x7e", b"\xff\xff", b"\xff" * 8, bytes(8), b"\x00" * 5 + b"\x01\x00\x00")
        )
        payload, key = self._bytes(self._chance.randrange(64)), self._bytes(4)
        return first + second + size + key + mask(payload, key)

    def _spoilt(self, sent: bytes) -> bytes:
        at = self._chance.randrange(len(sent)) if sent else 0
        chance = self._chance.random()
        if chance < 0.4:
            return sent[:at] + self._bytes(1) + sent[at + 1 :]
        if chance < 0.6:
            return sent[:at]
        return sent[:at] + self._bytes(3) + sent[at:]

    def _bytes(self, count: int) -> bytes:
        return self._chance.randbytes(count)
