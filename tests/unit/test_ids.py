"""An intent's id: who holds it can find its line; ids do not collide; an order's id is the intent's."""

import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ids import new_intent_id, order_id_of, sale_number_of

NUMBERS = st.integers(0, 2**32 - 1)


@given(NUMBERS)
def test_the_sale_number_is_read_back(number: int) -> None:
    assert sale_number_of(new_intent_id(number)) == number


@given(NUMBERS)
def test_an_id_is_a_uuid_of_version_8(number: int) -> None:
    made = new_intent_id(number)
    assert (made.version, made.variant) == (8, uuid.RFC_4122)
    assert uuid.UUID(str(made)) == made


def test_the_layout_is_sale_then_time_then_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 0xABCDEF1 * 1_000_000)
    made = new_intent_id(0x01020304)
    assert str(made).startswith("01020304-abcd-8ef1-")


def test_ids_made_later_sort_later(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for ms in range(1, 50):
        monkeypatch.setattr(time, "time_ns", lambda ms=ms: ms * 1_000_000)
        made.append(new_intent_id(5))
    assert made == sorted(made)


def test_ids_do_not_collide() -> None:
    assert len({new_intent_id(1) for _ in range(20_000)}) == 20_000


@pytest.mark.parametrize("other", [uuid.uuid4(), uuid.uuid1(), uuid.UUID(int=0)])
def test_another_id_names_no_sale(other: uuid.UUID) -> None:
    assert sale_number_of(other) is None


def test_an_order_has_the_same_id_at_every_retry() -> None:
    intent = "00000007-1234-8567-8abc-0123456789ab"
    assert order_id_of(intent) == order_id_of(str(uuid.UUID(intent)))
    assert str(uuid.UUID(order_id_of(intent))) == order_id_of(intent)


def test_an_order_has_an_id_of_its_own() -> None:
    intents = [str(new_intent_id(1)) for _ in range(1_000)]
    orders = {order_id_of(intent) for intent in intents}
    assert len(orders) == 1_000
    assert orders.isdisjoint(intents)
