"""What the scripts write is what Python reads."""

import uuid

import pytest

from models.live.keys import SaleKeys, sale_of_channel
from models.live.records import Claim, Decision, LiveIntent, Look

SALE = uuid.UUID("6f1d4b0a-52f7-4e6e-9a57-6c6f6c2f7a10")
ROW = "i1|u1|7|2|1|1000|held||2"


def look(**fields: str) -> Look:
    return Look(SALE, 5_000, 0, 0, 0, 0, fields)


def test_an_intent_is_unpacked() -> None:
    assert LiveIntent.unpack("i1", "u1|7|2|1|1000|0") == LiveIntent("i1", "u1", 7, 2, True, 1000, 0)


def test_a_decision_is_unpacked() -> None:
    assert Decision.unpack(ROW) == Decision("i1", "u1", 7, 2, True, 1000, "held", "", 2)


def test_a_claim_counts_what_it_holds() -> None:
    claim = Claim.unpack(f"c|e|2000|1999|USD|602000\n{ROW}\ni2|u2|8|1|0|1001|sold_out||0")
    assert (claim.claim_id, claim.epoch, claim.price_minor, claim.hold_until_ms) == ("c", "e", 1999, 602_000)
    assert [decision.is_held for decision in claim.decisions] == [True, False]
    assert claim.held_units == 2


def test_a_row_with_a_field_missing_is_an_error() -> None:
    with pytest.raises(ValueError, match="unpack"):
        Decision.unpack("i1|u1|7")


def test_a_field_that_is_not_there_counts_as_nothing() -> None:
    assert look(available="3", held="").number("available") == 3
    assert look(available="3", held="").number("held") == 0
    assert look().number("sold") == 0


def test_every_key_of_a_sale_lives_in_one_slot() -> None:
    keys = SaleKeys.of(SALE)
    tag = f"{{sale:{SALE}}}"
    names = [
        *keys.whole_state(),
        *keys.remarks(),
        keys.live_channel,
        keys.verdict_channel,
        keys.idempotency("u", "k"),
    ]
    assert all(name.startswith(tag + ":") for name in names)
    assert len(set(names)) == len(names)


def test_a_channel_tells_its_sale() -> None:
    keys = SaleKeys.of(SALE)
    assert sale_of_channel(keys.live_channel) == sale_of_channel(keys.verdict_channel) == str(SALE)
