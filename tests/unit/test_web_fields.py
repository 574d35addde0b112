"""The strict fields: what they take, what they refuse, and how they write."""

from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields

from web.api.schemas.accounts import EmailAddress
from web.api.schemas.fields import Flag, Line, MoneyOut, Prose, Text, UtcTime, Whole, write_time
from web.api.schemas.sales import SaleCreateSchema, SalePatchSchema
from web.http.errors import flatten

GOOD_SALE: dict[str, Any] = {
    "product_id": "00000000-0000-4000-8000-000000000000",
    "allocation": 10,
    "price": {"amount_minor": 100, "currency": "USD"},
    "opens_at": "2026-01-01T00:00:00Z",
    "closes_at": "2026-01-02T00:00:00Z",
}


def load(field: fields.Field[Any], value: Any) -> Any:
    return field.deserialize(value)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T06:12:00Z", datetime(2026, 11, 23, 6, 12, tzinfo=UTC)),
        ("2026-11-23t06:12:00z", datetime(2026, 11, 23, 6, 12, tzinfo=UTC)),
        ("2026-11-23T06:12:00+02:00", datetime(2026, 11, 23, 4, 12, tzinfo=UTC)),
        ("2026-11-23T06:12:00.5Z", datetime(2026, 11, 23, 6, 12, 0, 500_000, tzinfo=UTC)),
        ("2026-11-23T06:12:00.123456789Z", datetime(2026, 11, 23, 6, 12, 0, 123_456, tzinfo=UTC)),
    ],
)
def test_a_time_of_rfc_3339_is_read_into_utc(text: str, moment: datetime) -> None:
    assert load(UtcTime(), text) == moment


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-23T06:12:00",
        "2026-11-23",
        "20261123T061200Z",
        "2026-W47-1T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-23T24:00:01Z",
        "2026-11-23T06:12:60Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1999-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "2026-11-23T06:12:00+99:99",
        "２０２６-11-23T06:12:00Z",
        "2026-11-23T06:12:00Z\n",
        "",
        1_795_000_000,
        True,
        [],
    ],
)
def test_anything_else_is_no_time(value: Any) -> None:
    with pytest.raises(ValidationError):
        load(UtcTime(), value)


FIRST, LAST = datetime(2000, 1, 2), datetime(2199, 12, 30)  # noqa: DTZ001 - bounds are without a zone


@settings(deadline=None)
@given(st.datetimes(FIRST, LAST, timezones=st.just(UTC)))
def test_a_time_that_is_written_reads_the_same_to_the_millisecond(moment: datetime) -> None:
    text = write_time(moment)
    assert text.endswith("Z")
    assert load(UtcTime(), text) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def test_a_time_is_written_in_utc() -> None:
    elsewhere = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    assert write_time(elsewhere) == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize("value", ["true", "yes", 1, 0, "1", None, []])
def test_a_flag_is_true_or_false_and_nothing_else(value: Any) -> None:
    with pytest.raises(ValidationError):
        load(Flag(), value)
    assert load(Flag(), True) is True
    assert load(Flag(), False) is False


@pytest.mark.parametrize(
    "value", [1.0, 1.5, "1", True, -1, 2**31, 10**400, float("nan"), float("inf"), [], {}]
)
def test_a_whole_number_is_an_integer_within_bounds(value: Any) -> None:
    with pytest.raises(ValidationError):
        load(Whole(), value)
    assert load(Whole(), 0) == 0


@settings(deadline=None)
@given(st.text())
def test_a_text_has_no_control_characters(text: str) -> None:
    control = any(
        (ord(character) < 32 and character not in "\t\n\r") or character == "\x7f" for character in text
    )
    try:
        assert load(Text(), text) == text
        assert not control
    except ValidationError:
        assert control


def test_an_email_is_read_in_lower_case_and_ascii() -> None:
    assert load(EmailAddress(), " Ada@Example.COM ") == "ada@example.com"
    with pytest.raises(ValidationError):
        load(EmailAddress(), "ädä@example.com")


def test_money_of_a_row_is_gathered_from_its_columns() -> None:
    class Priced(Schema):
        price = MoneyOut("price_minor")
        total = MoneyOut(lambda row: row.price_minor * 2)

    row = SimpleNamespace(price_minor=5, currency="EUR")
    assert Priced().dump(row) == {
        "price": {"amount_minor": 5, "currency": "EUR"},
        "total": {"amount_minor": 10, "currency": "EUR"},
    }


def test_money_that_is_money_already_is_written_as_it_is() -> None:
    class Priced(Schema):
        price = MoneyOut("price_minor")

    money = {"amount_minor": 5, "currency": "EUR"}
    assert Priced().dump({"price": money}) == {"price": money}


def test_a_sale_has_the_defaults_of_the_contract() -> None:
    sale = SaleCreateSchema().load(GOOD_SALE)
    assert (sale["per_shopper_limit"], sale["hold_seconds"], sale["lobby_opens_at"]) == (1, 600, None)
    assert sale["admission"] == {"order": "fifo", "rate_per_second": None, "max_open_holds": None}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"closes_at": GOOD_SALE["opens_at"]}, "closes_at"),
        ({"lobby_opens_at": "2026-01-01T00:00:01Z"}, "lobby_opens_at"),
        ({"allocation": 0}, "allocation"),
        ({"admission": {"order": "lifo"}}, "admission.order"),
        ({"admission": {"rate_per_second": 0}}, "admission.rate_per_second"),
        ({"hold_seconds": 604_801}, "hold_seconds"),
        ({"held": 1}, "held"),
    ],
)
def test_a_sale_that_cannot_be_names_the_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SaleCreateSchema().load({**GOOD_SALE, **change})
    assert set(flatten(caught.value.normalized_messages())) == {field}  # type: ignore[no-untyped-call]


def test_a_patch_holds_only_what_was_named() -> None:
    assert SalePatchSchema().load({"allocation": 5}) == {"allocation": 5}
    assert SalePatchSchema().load({"admission": {"order": "draw"}}) == {"admission": {"order": "draw"}}


def test_nested_messages_are_told_by_path() -> None:
    nested = {"a": {"b": ["x"], "_schema": ["y"]}, "items": {0: {"c": ["z"]}}, "_schema": ["w"]}
    assert flatten(nested) == {"a.b": ["x"], "a": ["y"], "items.0.c": ["z"], "_body": ["w"]}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Ada",
            "Zoë d'Arc-Müller",
            "آدا",
            "עדה",
            "אבג Ada",
            "李小龍",
            "葛\U000e0100",
            "❤️",
            "👩‍👩‍👧",
            "👍🏽",
            "می‌خواهم",
        ),
        *("a\u0308", "🏳️‍🌈 Ada", "100 % Kaschmir", "", "  "),
    ],
)
def test_a_name_is_in_any_script(text: str) -> None:
    assert load(Line(), text) == text


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_a_name_has_no_control_characters(code: int) -> None:
    with pytest.raises(ValidationError):
        load(Line(), f"A{chr(code)}da")


@pytest.mark.parametrize(
    "code",
    [
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *(0x200B, 0x200E, 0x200F, 0x061C, 0x2060, 0xFEFF, 0x00AD, 0x180E, 0x3164, 0x115F, 0xFFA0, 0x034F),
        *(0x2028, 0x2029, 0xD800, 0xDFFF, 0xFFFE, 0xE0041, 0xE007F),
    ],
)
@pytest.mark.parametrize("field", [Line(), Prose()])
def test_what_others_are_shown_turns_nothing_round_and_hides_nothing(field: Prose, code: int) -> None:
    for text in (f"A{chr(code)}da", f"{chr(code)}Ada", f"Ada{chr(code)}", chr(code)):
        with pytest.raises(ValidationError, match="control or invisible"):
            load(field, text)


@pytest.mark.parametrize(
    "text",
    ["\u200dAda", "Ada\u200d", "A\u200c\u200dda", "A \u200cda", "Ada\u200c ", "\ufe0fAda", "A\ufe0f\ufe0fda"],
)
def test_what_joins_stands_alone_between_what_it_joins(text: str) -> None:
    with pytest.raises(ValidationError, match="control or invisible"):
        load(Line(), text)


def test_a_description_has_lines_and_a_name_has_one() -> None:
    assert load(Prose(), "warm\r\n\tand red") == "warm\r\n\tand red"
    for text in ("warm\nand red", "warm\tand red", "warm\r"):
        with pytest.raises(ValidationError, match="one line"):
            load(Line(), text)
