"""Asks a shop everything: each route with each credential, and requests that are odd in every other way."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from models.enums import StaffRole
from tests.oracle import credentials
from tests.oracle.credentials import Person
from tests.oracle.judge import faults
from tests.oracle.oddities import Oddities
from tests.oracle.routes import Route, Who
from tests.oracle.wire import Answer, Header, Request, ask
from web.auth.tokens import ACCESS, REFRESH

_SAFE: Final = {b"GET", b"HEAD"}
_REFUSED: Final = {401, 403}
_NOBODYS: Final = {Who.ANYONE, Who.LEAVING}  # what may be gone with what is no credential


def every_credential(
    port: int,
    routes: Iterable[Route],
    key: str,
    shopper: Person,
    admin: Person,
    *,
    program_keys: Mapping[StaffRole, str],
) -> Iterator[str]:
    """Go each route with each credential, and yield what is wrong with the answers."""
    bad = credentials.no_good(key, admin)
    staff = [replace(admin, staff_role=role) for role in StaffRole]
    # First those that want a log-in of a moment ago: later ones end it.
    for route in sorted(routes, key=lambda route: not route.asks_again):
        for name, headers in bad.items():
            yield from _judged(port, route, name, headers, _NOBODYS)
        yield from _judged_by_keys(port, route, program_keys)
        for person in (shopper, *staff):
            name = person.staff_role or person.role
            for kind in (ACCESS, REFRESH):
                headers = credentials.bearer(_newly_signed_in(person), key, kind)
                goes = _goes(person, route, kind)
                if route.asks_again:
                    yield from _judged(port, route, f"{name}'s {kind}, which is old", headers, _NOBODYS)
                    headers = credentials.bearer(person, key, kind)
                yield from _judged(port, route, f"{name}'s {kind}", headers, goes)
            if route.method not in _SAFE:
                cookies = credentials.by_cookie_alone(_newly_signed_in(person), key)
                yield from _judged(port, route, f"{name}'s cookie alone", cookies, {Who.ANYONE})


def _judged_by_keys(port: int, route: Route, program_keys: Mapping[StaffRole, str]) -> Iterator[str]:
    for role, program_key in program_keys.items():
        goes = _NOBODYS | ({Who.SHOPPER, Who.ADMIN} if role in route.keys else set())
        yield from _judged(port, route, f"{role}'s key", [credentials.shown(program_key)], goes)


def _newly_signed_in(person: Person) -> Person:
    """Some routes end the log-in that they are gone with; the next is gone with another."""
    return replace(person, family=uuid.uuid4())


def _goes(person: Person, route: Route, kind: str) -> set[Who]:
    if kind == REFRESH:
        return _NOBODYS | {Who.REFRESHING}
    return _NOBODYS | {Who.SHOPPER} | ({Who.ADMIN} if person.staff_role in route.staff else set())


def _judged(port: int, route: Route, name: str, headers: list[Header], goes: set[Who]) -> Iterator[str]:
    request = Request(route.method, route.target, ((b"Host", b"shop.example"), *headers))
    if route.method not in _SAFE:
        request = request.with_headers((b"Content-Length", b"0"))
    answer = ask(port, request.raw, is_head=route.method == b"HEAD")
    if answer is None:
        yield f"{route.method.decode()} {route.target.decode()}, {name}: no answer"
        return
    wrong = faults(request, answer)
    if route.who not in goes and not _is_turned_away(answer):
        wrong.append(f"let in with {answer.status}")
    if route.who in goes and route.who in {Who.SHOPPER, Who.ADMIN} and answer.status in _REFUSED:
        wrong.append(f"turned away with {answer.status}")
    yield from (f"{route.method.decode()} {route.target.decode()}, {name}: {fault}" for fault in wrong)


def _is_turned_away(answer: Answer) -> bool:
    """Refused, or sent to log in."""
    to_log_in = answer.status == 303 and answer.headers["location"].startswith("/login")
    return answer.status in _REFUSED or to_log_in


def everything_odd(port: int, oddities: Oddities, count: int) -> Iterator[str]:
    """Send so many odd requests, and yield what is wrong with the answers."""
    for _ in range(count):
        request, raw = oddities.raw()
        answer = ask(port, raw, is_head=raw.startswith(b"HEAD"))
        if answer is not None:  # a connection may be closed on who says no word of HTTP
            yield from (f"{raw[:600]!r}: {fault}" for fault in faults(request, answer))
