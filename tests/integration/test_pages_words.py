"""How money, times and colours are written before a script writes them in the visitor's own way."""

import re
from datetime import UTC, datetime

import pytest
from babel import Locale

from config import ROOT
from models.money import MINOR_DIGITS
from web.shop.words import percent_off, share, two_colours, write_moment, write_money


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (0, "USD", "$0.00"),
        (5, "USD", "$0.05"),
        (199_900, "EUR", "€1,999.00"),
        (6_900, "JPY", "¥6,900"),
        (12_000, "KWD", "KWD\u00a012.000"),
        (12_000, "IDR", "IDR\u00a0120.00"),
        (10**11, "USD", "$1,000,000,000.00"),
    ],
)
def test_money_has_the_digits_of_its_currency(minor: int, currency: str, written: str) -> None:
    assert write_money({"amount_minor": minor, "currency": currency}, Locale("en", "US")) == written


def test_money_is_written_in_the_visitors_way() -> None:
    price = {"amount_minor": 199_950, "currency": "EUR"}
    assert write_money(price, Locale("de")) == "1.999,50\u00a0€"


def test_the_script_counts_the_digits_of_a_currency_as_the_server_does() -> None:
    script = (ROOT / "web/static/js/common/format.js").read_text()
    found = {
        int(digits): names for digits, names in re.findall(r'^  (\d): "([A-Z ]+)",$', script, re.MULTILINE)
    }
    assert found == MINOR_DIGITS


def test_a_time_is_written_in_utc() -> None:
    assert write_moment("2026-03-04T13:05:00+02:00", Locale("en", "GB")) == "4 Mar 2026, 11:05 UTC"
    assert write_moment(datetime(2026, 12, 31, tzinfo=UTC), Locale("de")) == "31.12.2026, 00:00 UTC"


@pytest.mark.parametrize(
    ("price", "full", "off"), [(50, 100, 50), (999, 1000, 0), (100, 100, 0), (120, 100, 0), (0, 0, 0)]
)
def test_a_discount_is_told_in_whole_percent_and_only_where_there_is_one(
    price: int, full: int, off: int
) -> None:
    def dollars(minor: int) -> dict[str, object]:
        return {"amount_minor": minor, "currency": "USD"}

    assert percent_off(dollars(price), dollars(full)) == off
    assert percent_off(dollars(price), {"amount_minor": full, "currency": "EUR"}) == 0


def test_a_share_of_nothing_is_nothing() -> None:
    assert share(0, 0) == 0.0
    assert share(1, 4) == 25.0


def test_a_thing_without_a_picture_keeps_its_colours() -> None:
    assert two_colours("Kettle") == two_colours("Kettle")
    assert two_colours("Kettle") != two_colours("Lamp")
