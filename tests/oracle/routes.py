"""The routes of the shop, each with who may go it: written down by hand, since that is what is tested."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from flask import Flask

from models.enums import StaffRole

ID: Final = "00000000-0000-4000-8000-000000000007"  # nobody's and nothing's
_PLACES: Final = ((r"<uuid:\w+>", ID), (r"<path:\w+>", "js/line.js"), (r"<(?:string:)?\w+>", "start.js"))


class Who(StrEnum):
    """Who may go a route."""

    ANYONE = "anyone"
    SHOPPER = "shopper"
    ADMIN = "admin"
    REFRESHING = "with a refresh token"
    LEAVING = "anyone, who then is signed out; by cookie only with its proof"


_NOTHING_TO_GUARD: Final = re.compile(
    r"/|/static/.*|/service-worker\.js|/api/v1/openapi\.json|/docs.*|/terms|/privacy|/healthz|/readyz|/metrics|/login|/register|/language|/ws"
    r"|/o|/unsubscribe/.*|/api/v1/order-links.*|/api/v1/auth/(register|login|verify.*|password/.*)|/(verify|forgot|reset)|/session|/api/v1/payments/(webhooks/.*|methods)|/sales/[^/]+"
    r"|/invitation|/api/v1/auth/invitations/.*"
).fullmatch
_READ_BY_ANYONE: Final = re.compile(r"/api/v1/(products|sales)(/[^/]+)?").fullmatch
_REFRESHING: Final = re.compile(r"/api/v1/auth/refresh|/session/refresh").fullmatch
_SHOPPERS: Final = re.compile(
    r"/orders.*|/account.*|/session.*|/api/v1/(me(/.*)?|auth/logout.*|intents.*|sales/[^/]+/(intents|standing|follow)|tasks/[^/]+)"
    r"|/api/v1/auth/confirm"
    r"|/api/v1/orders(/[^/]+(/payments|/receipt|/cancel)?)?"
).fullmatch

_EVERYBODY: Final = frozenset(StaffRole)
_STAFF: Final = {  # what takes more than to be staff; the first that fits
    r"(GET|HEAD) /admin/mails/[^/]+/page": frozenset({StaffRole.OWNER}),
    r"\w+ /api/v1/admin/(staff|api-keys).*|\w+ /admin/(staff|keys).*": frozenset({StaffRole.OWNER}),
    r"POST /api/v1/sales/[^/]+/cancel|(POST|DELETE) /api/v1/admin/shoppers/.*": frozenset({StaffRole.OWNER}),
    r"POST /api/v1/orders/[^/]+/refund|(GET|HEAD) /api/v1/admin/orders\.csv": frozenset(
        {StaffRole.FINANCE, StaffRole.OWNER}
    ),
    r"(POST|PATCH|DELETE) .*|(GET|HEAD) /admin/(products|sales)/(new|[^/]+/(edit|clone))": frozenset(
        {StaffRole.OPERATOR, StaffRole.OWNER}
    ),
}
_FOR_PEOPLE: Final = re.compile(  # no key may go it
    r"\w+ (?!/api/v1).*|(POST|PUT|PATCH|DELETE) /api/v1/(me|intents|auth).*|\w+ /api/v1/(me.*|auth/confirm)"
    r"|\w+ /api/v1/sales/[^/]+/(intents|standing|follow)|POST /api/v1/orders/[^/]+/(payments|cancel)"
    r"|\w+ /api/v1/admin/(staff|api-keys|shoppers/[^/]+/second-factor).*"
).fullmatch
_ASKS_AGAIN: Final = re.compile(
    r"POST /api/v1/(orders/[^/]+/refund|sales/[^/]+/(end|cancel)|me/(second-factor(/recovery-codes)?|export))"
    r"|(GET|HEAD) /api/v1/me/export"
    r"|(POST|PATCH|DELETE) /api/v1/admin/(staff|api-keys).*"
    r"|(POST|DELETE) /api/v1/admin/shoppers/.*|(GET|HEAD) /api/v1/admin/orders\.csv"
).fullmatch


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path of the shop, with ids put in."""

    method: bytes
    target: bytes
    parameters: tuple[str, ...] = ()  # of its query, as documented
    fields: tuple[str, ...] = ()  # of the object that it takes
    endpoint: str = ""  # its name in Flask

    @property
    def who(self) -> Who:
        """Who may go it; what is named nowhere is the admins'."""
        path, is_read = self.target.decode(), self.method in {b"GET", b"HEAD"}
        if _REFRESHING(path):
            return Who.REFRESHING
        if path == "/session" and self.method == b"DELETE":
            return Who.LEAVING
        if _NOTHING_TO_GUARD(path) or (is_read and _READ_BY_ANYONE(path)):
            return Who.ANYONE
        return Who.SHOPPER if _SHOPPERS(path) else Who.ADMIN

    @property
    def keys(self) -> frozenset[StaffRole]:
        """The keys of which roles may go it."""
        asked = f"{self.method.decode()} {self.target.decode()}"
        if _FOR_PEOPLE(asked):
            return frozenset()
        if asked.endswith("/receipt"):
            return frozenset({StaffRole.FINANCE, StaffRole.OWNER})
        return _EVERYBODY if self.who is Who.SHOPPER else self.staff

    @property
    def asks_again(self) -> bool:
        """Whether the log-in must have shown lately who it is."""
        return _ASKS_AGAIN(f"{self.method.decode()} {self.target.decode()}") is not None

    @property
    def staff(self) -> frozenset[StaffRole]:
        """Which of the staff may go what is the admins'."""
        asked = f"{self.method.decode()} {self.target.decode()}"
        return next((roles for rule, roles in _STAFF.items() if re.fullmatch(rule, asked)), _EVERYBODY)


def routes_of(app: Flask) -> Iterator[Route]:
    """Every route of an app with every method that it takes."""
    document: dict[str, Any] = app.test_client().get("/api/v1/openapi.json").get_json()
    for rule in app.url_map.iter_rules():
        target = rule.rule
        for pattern, value in _PLACES:
            target = re.sub(pattern, value, target)
        for method in sorted(rule.methods or ()):
            if method != "OPTIONS":
                named = _named(document, rule.rule, method)
                yield Route(method.encode(), target.encode(), *named, rule.endpoint)


def _named(document: dict[str, Any], rule: str, method: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the document says that a route reads: parameters of its query, and fields of its body."""
    path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)
    read = document["paths"].get(path, {}).get(method.lower(), {})
    given = (one for one in read.get("parameters", ()) if one.get("in") == "query")
    schema = read.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    shape = document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], {})
    return tuple(one["name"] for one in given), tuple(shape.get("properties", ()))
