"""Owns how rows are written for those who open CSV in a spreadsheet."""

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for the beginning of a formula


def plain_cell(value: Any) -> Any:
    """Write a value so that no spreadsheet runs it: a text that looks like a formula is quoted with «'».

    The rule is OWASP's against CSV injection.
    """
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def write_rows(rows: Iterable[Iterable[Any]]) -> str:
    """Write rows as CSV (RFC 4180), every cell plain."""
    file = io.StringIO()
    csv.writer(file).writerows([plain_cell(cell) for cell in row] for row in rows)
    return file.getvalue()
