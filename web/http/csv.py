"""Writes CSV that is safe to open in a spreadsheet."""

import re
from collections.abc import Iterable
from typing import Any, Final

BOM: Final = "\ufeff"  # by which Excel knows that a file is UTF-8; Python reads it as `utf-8-sig`
CSV_TYPE: Final = "text/csv; charset=utf-8"

# What spreadsheets take for the beginning of a formula, also behind spaces and quotes and in a wide form; so
# too behind what parts cells or rows where those of another country read the file, by `;` or by tabs.
_FORMULA: Final = re.compile(r"^(?=[\t\r\n])|(^|[;\t\r\n])(?=[ \xa0\"']*[=+\-@\uff1d\uff0b\uff0d\uff20])")
_PARTS: Final = re.compile(r"[,;\"\t\r\n]|^[ \xa0]|[ \xa0]$").search


def plain_cell(value: Any) -> Any:
    """Write a value so that no spreadsheet runs it: before what looks like a formula stands «'».

    The rule is OWASP's against CSV injection.
    """
    if value is None:
        return ""
    return _FORMULA.sub(r"\1'", value) if isinstance(value, str) else value


def write_rows(rows: Iterable[Iterable[Any]]) -> str:
    """Write rows as CSV (RFC 4180), every cell plain, and in quotes where anybody could part it."""
    return "".join(f"{','.join(map(_written, row))}\r\n" for row in rows)


def _written(cell: Any) -> str:
    text = str(plain_cell(cell))
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if _PARTS(text) else text
