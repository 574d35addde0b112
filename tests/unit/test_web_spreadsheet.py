"""CSV that no spreadsheet runs, whatever parts its cells, and that every program reads as it was meant."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.http.csv import write_rows

FORMULA = re.compile("[ \xa0\"']*[=+\\-@＝＋－＠]")  # the apostrophe itself is looked for first


def read(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\rx", "'\rx"),
        ("  =1", "'  =1"),
        ("＝1+1", "'＝1+1"),
        ('"=1', "'\"=1"),
        ("lamp;=1+1", "lamp;'=1+1"),
        ("lamp; @x", "lamp;' @x"),
        ("lamp\t+1", "lamp\t'+1"),
        ("lamp\n=1", "lamp\n'=1"),
        ("lamp\r\n-1", "lamp\r\n'-1"),
        ('lamp;"=1"', 'lamp;\'"=1"'),
        ("a=b, c - d; e", "a=b, c - d; e"),
        ("ada@example.com", "ada@example.com"),
        ("2026-11-29T06:02:02.000Z", "2026-11-29T06:02:02.000Z"),
        ("", ""),
        (None, ""),
        (-5, "-5"),
    ],
)
def test_a_formula_is_written_as_text_wherever_a_cell_may_begin(value: object, written: str) -> None:
    assert read(write_rows([["before", value, "after"]])) == [["before", written, "after"]]


def test_what_may_part_cells_stands_in_quotes() -> None:
    assert write_rows([["a;b", "a\tb", 'say "x"', "a,b", "plain", 1]]) == (
        '"a;b","a\tb","say ""x""","a,b",plain,1\r\n'
    )


@given(st.text(alphabet="=+-@;\t\r\n\"', aé＝", max_size=12))
def test_no_cell_is_a_formula_by_whatever_a_spreadsheet_parts(text: str) -> None:
    written = write_rows([["before", text, "after"]])
    for cells in re.split(r"[;\t\r\n]", read(written)[0][1]), re.split(r"[;\t\r\n]", written):
        for cell in cells:
            assert not re.match('[ \xa0"]*[=+\\-@＝＋－＠]', cell)
