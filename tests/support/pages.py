"""Follows cursors to the end of a list."""

from typing import Any, Final

from flask.testing import FlaskClient

MOST_PAGES: Final = 50  # more are a cursor that goes round


def pages(
    client: FlaskClient, path: str, headers: dict[str, str], *, cursor: str | None = None
) -> list[dict[str, Any]]:
    """Read a list page by page, from a cursor on; `path` has a query already.

    Raises:
        AssertionError: a page is refused, or they do not end.
    """
    items: list[dict[str, Any]] = []
    for _ in range(MOST_PAGES):
        answer = client.get(path + (f"&cursor={cursor}" if cursor else ""), headers=headers)
        assert answer.status_code == 200, answer.data
        page = answer.get_json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
    raise AssertionError(f"{path} does not end: {len(items)} items so far")
