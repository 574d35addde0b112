"""Reads the control room's pages: their rows, and the link to the next ones."""

import re
from html import unescape

from flask.testing import FlaskClient

from tests.integration.test_pages_shown import BROWSER, Markup, read


def rows(page: str) -> list[str]:
    """The rows of a page's tables as plain text; their heads are none."""
    found = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    return [text_of(row) for row in found if "<td" in row]


def text_of(markup: str) -> str:
    """What is to be read of a piece of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup.replace("<wbr>", ""))).split())


def every_page(client: FlaskClient, path: str) -> list[str]:
    """The rows of a list and of all pages after it, by the links that a person would take."""
    found: list[str] = []
    while path:
        page = read(client, path)
        found += rows(page)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        path = unescape(older[1]) if older else ""
    return found


def in_german(client: FlaskClient, path: str) -> str:
    """A page as somebody sees it who likes German best."""
    answer = client.get(path, headers=BROWSER | {"Accept-Language": "de"})
    assert answer.status_code == 200, answer.text
    return answer.text


def is_harmless(page: str) -> bool:
    """Say whether what people wrote stayed text."""
    return Markup(page).inline == [] and "<script>alert" not in page and "<img src=x" not in page
