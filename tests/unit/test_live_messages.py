"""What an `intent` asks for: read quickly where it is plain, and by the schema's rules in any case."""

import uuid
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from models.tables.catalogue import MAX_ALLOCATION
from web.api.schemas.intents import IntentCreateSchema
from web.http.errors import flatten
from web.sockets.commands.parsing import (
    IntentRequest,
    Refused,
    _plain_request,
    _strict_request,
    read_intent_request,
    read_message,
)

SALE = uuid.UUID("00000000-0000-4000-8000-000000000001")
HUGE = 10**30

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from((-1, 0, 1, 2, MAX_ALLOCATION, MAX_ALLOCATION + 1, 2**31, 2**63, HUGE, 1.0, 1.5)),
    st.integers(-(2**40), 2**40),
    st.sampled_from(("", "1", "true", "a-key", "two words", "x" * 128, "x" * 129, "ü", str(SALE), "\n")),
    st.text(max_size=5),
)
values = st.one_of(scalars, st.lists(scalars, max_size=2), st.dictionaries(st.text(max_size=3), scalars))
sales = st.one_of(st.just(str(SALE)), st.just(str(SALE).upper()), st.just(f"{{{SALE.hex}}}"), values)
messages = st.fixed_dictionaries(
    {},
    optional={
        "type": st.just("intent"),
        "id": values,
        "sale_id": sales,
        "quantity": values,
        "accept_fewer": values,
        "key": values,
        "more": values,
        "_schema": values,
    },
)
plain = st.fixed_dictionaries(
    {"type": st.just("intent"), "sale_id": st.just(str(SALE))},
    optional={
        "id": st.one_of(st.text(max_size=5), st.integers()),
        "quantity": st.integers(1, MAX_ALLOCATION),
        "accept_fewer": st.booleans(),
        "key": st.one_of(st.none(), st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)),
    },
)


def told(message: dict[str, Any]) -> IntentRequest | tuple[str, str, dict[str, Any]]:
    """What the strict reading makes of a message: the request, or the refusal."""
    try:
        return _strict_request(message)
    except Refused as error:
        return error.code, error.detail, error.extra


@settings(deadline=None)
@given(st.one_of(messages, plain))
@example({"sale_id": str(SALE), "quantity": True})
@example({"sale_id": str(SALE), "key": ""})
@example({"sale_id": str(SALE), "key": "a\n"})
@example({"sale_id": str(SALE), "quantity": MAX_ALLOCATION})
@example({"sale_id": str(SALE), "quantity": MAX_ALLOCATION + 1})
def test_the_quick_reading_never_says_what_the_strict_one_does_not(message: dict[str, Any]) -> None:
    quick = _plain_request(message)
    assert quick is None or quick == told(message)


@settings(deadline=None)
@given(plain)
def test_what_nearly_everybody_sends_is_read_quickly(message: dict[str, Any]) -> None:
    assert _plain_request(message) is not None


@settings(deadline=None)
@given(messages)
def test_whatever_is_accepted_is_read_quickly(message: dict[str, Any]) -> None:
    strict = told(message)
    assert not isinstance(strict, IntentRequest) or _plain_request(message) == strict


@settings(deadline=None)
@given(messages)
def test_the_rules_and_their_words_are_those_of_the_posts_schema(message: dict[str, Any]) -> None:
    body = {name: value for name, value in message.items() if name not in {"type", "id", "sale_id", "key"}}
    expected: IntentRequest | dict[str, list[str]]
    try:
        expected = IntentRequest(SALE, **IntentCreateSchema().load(body), key="")
    except ValidationError as error:
        expected = flatten(error.normalized_messages())  # type: ignore[no-untyped-call]
    assert read_or_errors({**message, "sale_id": str(SALE), "key": None}) == expected


def read_or_errors(message: dict[str, Any]) -> IntentRequest | dict[str, list[str]]:
    try:
        return read_intent_request(message)
    except Refused as error:
        errors: dict[str, list[str]] = error.extra["errors"]
        return errors


@pytest.mark.parametrize("text", ['{"quantity":1e400}', '{"quantity":NaN}', '{"quantity":-0}'])
def test_numbers_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Refused):
        read_intent_request({**read_message(text), "sale_id": str(SALE)})
