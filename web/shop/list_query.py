"""Reads a list's filters and page from its URL, and writes the URLs of its other pages."""

from typing import Any
from urllib.parse import urlencode

from flask import request
from marshmallow import Schema


def asked_by(schema: Schema, **unless_said: str) -> dict[str, Any]:
    """Read what the page's address asks for; a field that was left empty asks for nothing.

    Raises:
        ValidationError: it asks for what there cannot be.
    """
    asked: dict[str, Any] = schema.load(unless_said | _said())
    return asked


def address(cursor: str | None = None) -> str:
    """Write the address of this list with the same filters, from a cursor on or from its beginning."""
    said = {name: value for name, value in _said().items() if name != "cursor"}
    query = urlencode(said | ({"cursor": cursor} if cursor else {}))
    return f"{request.path}?{query}" if query else request.path


def filters() -> str:
    """Write the filters alone, as a query for another address; empty where there are none."""
    return address().partition("?")[2]


def _said() -> dict[str, str]:
    return {name: value for name, value in request.args.items() if value.strip()}
