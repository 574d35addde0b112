"""The routes of the shop, each with who may go it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask

from tests.oracle.who_may import WHO_MAY, Audience

ID: Final = "00000000-0000-4000-8000-000000000007"  # nobody's and nothing's
_PLACES: Final = (  # of a rule, with its word in the table and what is put in
    (r"<uuid:\w+>", "ID", ID),
    (r"<path:\w+>", "PATH", "js/line.js"),
    (r"<(?:string:)?\w+>", "NAME", "start.js"),
)


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path of the shop, with ids put in."""

    method: bytes
    target: bytes
    parameters: tuple[str, ...] = ()  # of its query, as documented
    fields: tuple[str, ...] = ()  # of the object that it takes
    endpoint: str = ""  # its name in Flask
    pattern: str = ""  # its path in the table of who may

    @property
    def named(self) -> str:
        """What the table calls it."""
        method = "GET" if self.method == b"HEAD" else self.method.decode()
        return f"{method} {self.pattern}"

    @property
    def audience(self) -> Audience:
        """Who may go it.

        Raises:
            KeyError: the table does not know it.
        """
        return WHO_MAY[self.named]

    @property
    def is_safe(self) -> bool:
        """Whether going it changes nothing."""
        return self.method in {b"GET", b"HEAD"}

    @property
    def is_of_api(self) -> bool:
        """Whether programs go it, and not browsers alone."""
        return self.target.startswith(b"/api/")


def routes_of(app: Flask) -> Iterator[Route]:
    """Every route of an app with every method that it takes."""
    document: dict[str, Any] = app.test_client().get("/api/v1/openapi.json").get_json()
    for rule in app.url_map.iter_rules():
        target = pattern = rule.rule
        for place, word, value in _PLACES:
            target, pattern = re.sub(place, value, target), re.sub(place, word, pattern)
        for method in sorted(rule.methods or ()):
            if method != "OPTIONS":
                named = _named(document, rule.rule, method)
                yield Route(method.encode(), target.encode(), *named, rule.endpoint, pattern)


def _named(document: dict[str, Any], rule: str, method: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the document says that a route reads: parameters of its query, and fields of its body."""
    path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)
    read = document["paths"].get(path, {}).get(method.lower(), {})
    given = (one for one in read.get("parameters", ()) if one.get("in") == "query")
    schema = read.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    shape = document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], {})
    return tuple(one["name"] for one in given), tuple(shape.get("properties", ()))
