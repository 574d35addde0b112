"""Cursors: what is packed comes out again, and nothing else does."""

import base64
import uuid
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from web.http.paging import page_from, read_cursor, write_cursor

FIRST, LAST = datetime(2000, 1, 1), datetime(2199, 1, 1)  # noqa: DTZ001 - bounds are without a zone
times = st.datetimes(FIRST, LAST, timezones=st.just(UTC))


@settings(deadline=None)
@given(times, st.uuids(), st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_cursor_comes_out_as_it_went_in(moment: datetime, key: uuid.UUID, number: int) -> None:
    assert read_cursor(write_cursor(moment, key, number), datetime, uuid.UUID, int) == (moment, key, number)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_other_word_is_refused(word: str) -> None:
    with pytest.raises(ValidationError):
        read_cursor(word, datetime, uuid.UUID)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_other_content_is_refused(content: bytes) -> None:
    with pytest.raises(ValidationError):
        read_cursor(base64.urlsafe_b64encode(content).decode(), int, uuid.UUID)


@pytest.mark.parametrize(
    ("cursor", "kinds"),
    [
        (write_cursor(1), (datetime,)),
        (write_cursor("x\x00"), (str,)),
        (write_cursor("2026-01-01T00:00:00"), (datetime,)),
        (write_cursor("0001-01-01T00:00:00+14:00"), (datetime,)),
        (write_cursor(1, 2), (int,)),
        (write_cursor(1), (int, int)),
    ],
)
def test_a_cursor_of_another_list_is_refused(cursor: str, kinds: tuple[type, ...]) -> None:
    with pytest.raises(ValidationError):
        read_cursor(cursor, *kinds)


def test_a_page_ends_where_its_last_row_is() -> None:
    rows = [SimpleNamespace(id=uuid.UUID(int=number)) for number in range(3)]
    page = page_from(rows, 2, "id")
    assert page.items == rows[:2]
    assert page.next_cursor is not None
    assert read_cursor(page.next_cursor, uuid.UUID) == (rows[1].id,)
    assert page_from(rows, 3, "id").next_cursor is None
