"""Makes the ids of intents and orders, and reads what they contain.

An intent's id is a UUIDv8 (RFC 9562, section 5.8) that carries its sale's number, so that anybody who has
the id finds the sale's line without an index that would have to live in another Redis slot:

    32 bits sale number | 16 bits time, high | version | 12 bits time, low | variant | 62 random bits

The time is the 28 low bits of milliseconds: ids that are made together lie together in an index.
"""

import os
import time
import uuid
from typing import Final

OF_SALE: Final = "substr(order_id::text, 1, 8)"  # in SQL: what the ids of a sale's orders begin with
_TIME_BITS: Final = 28
_TAIL: Final = 12  # hexadecimal digits at the end of an id, all of them random
_MIRROR: Final = str.maketrans("0123456789abcdef", "fedcba9876543210")


def new_intent_id(sale_number: int) -> uuid.UUID:
    """Make an id for an intent of the sale with this number (0 to 2**32 - 1)."""
    return uuid.UUID(int=_intent_number(sale_number))


def write_new_intent_id(sale_number: int) -> str:
    """Make such an id as text."""
    digits = f"{_intent_number(sale_number):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _intent_number(sale_number: int) -> int:
    now = time.time_ns() // 1_000_000 & ((1 << _TIME_BITS) - 1)
    random = int.from_bytes(os.urandom(8)) >> 2
    return sale_number << 96 | (now >> 12) << 80 | 0x8 << 76 | (now & 0xFFF) << 64 | 0b10 << 62 | random


def sale_number_of(intent_id: uuid.UUID) -> int | None:
    """Return the number of the sale that an intent's id names; None where it is no intent's id."""
    if intent_id.version != 8:
        return None
    return intent_id.int >> 96


def order_prefix_of(sale_number: int) -> str:
    """Return what the ids of a sale's orders begin with, as `OF_SALE` finds it."""
    return f"{sale_number:08x}"


def order_id_of(intent_id: str) -> str:
    """Return the id of the one order that an intent can have; the same at every retry.

    It is the intent's with its random end mirrored: no two intents share one, and orders that are made
    together lie together in an index, as their intents do.
    """
    return intent_id[:-_TAIL] + intent_id[-_TAIL:].translate(_MIRROR)
