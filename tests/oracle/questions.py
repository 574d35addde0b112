"""Asks a shop everything: each route as everybody, and requests that are odd in every other way."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count, islice
from typing import Any, Final

from tests.oracle import credentials
from tests.oracle.judge import faults
from tests.oracle.oddities import Oddities
from tests.oracle.people import CONFIRMATION, FACTOR, Asker, People
from tests.oracle.routes import ID, Route
from tests.oracle.who_may import ENDS_LOG_INS, NOBODY
from tests.oracle.wire import Answer, Header, Request, ask
from web.auth.tokens import ACCESS

Ids = Mapping[str, str]

_REFUSED: Final = {401, 403}
_AT_ONCE: Final = 4
_IN: Final = "in"
_FOUND: Final = "it is there for it"
_MISSING: Final = "it is not there for it"
_EITHER: Final = "either"
_NOBODYS: Final = frozenset({"unauthenticated"})
_KEYS: Final = frozenset({"not_for_keys", "forbidden", "unauthenticated"})  # no log-in, and no person
_NO_PASS: Final = frozenset({"link_spent"})
_UNPROVEN: Final = frozenset({"csrf_failed", "unauthenticated"})
_PAYING: Final = b'{"method": "free"}'
_BODIES: Final[Mapping[str, bytes]] = {  # where a body is read first
    "POST /api/v1/order-links/order/payments": _PAYING,
    "POST /api/v1/orders/ID/payments": _PAYING,
}


def everybody(
    port: int, routes: Iterable[Route], secret: str, people: People, *, heads: int = 1, gone: int = 1
) -> Iterator[str]:
    """Go each route as everybody, and yield what is wrong with the answers.

    `HEAD` goes the way of `GET`: of so many who would ask by it, one does. So does, by any method, one of so
    many who are gone, others each time: they are refused alike before it matters what they ask for.
    """
    counting = [one for one in people.askers if one.counts]
    spent = [one for one in people.askers if not one.counts]

    def go(number: int, route: Route) -> list[str]:
        step = heads if route.method == b"HEAD" else 1
        rare = max(step, gone)
        asking = [*counting[number % step :: step], *spent[number % rare :: rare]]
        found = (_judged(port, route, one, secret, expected(route, one)) for one in asking)
        return [fault for one in found for fault in one]

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for wrong in pool.map(go, count(), (one for one in routes if one.named not in ENDS_LOG_INS)):
            yield from wrong
    for route in routes:
        if route.named in ENDS_LOG_INS:
            for one in map(people.log_in_again, people.askers):
                yield from _judged(port, route, one, secret, expected(route, one))
        if not route.is_safe:
            yield from _by_cookies_alone(port, route, secret, people)


def nobodys(port: int, routes: Iterable[Route], secret: str, people: People, *, each: int) -> Iterator[str]:
    """Go each route with so many of the credentials that are no good, others each time."""
    bad = list(credentials.no_good(secret, people.owner).items())
    for number, route in enumerate(routes):
        first = number * each % len(bad)
        for name, headers in islice([*bad, *bad], first, first + each):
            awaited = _EITHER if route.audience.is_open else _refusals(route)
            yield from _weighed(port, route, name, headers, awaited)


def of_another(port: int, routes: Iterable[Route], secret: str, people: People, ids: Ids) -> Iterator[str]:
    """Ask everybody for the shopper's things, `ids` by nouns of paths; to others there are none."""
    askers = [people.log_in_again(one) for one in people.askers]
    for route in routes:
        noun = next((one for one in ids if f"/{one}/ID" in route.pattern), None)
        if noun is None or route.audience.of_staff:
            continue
        real = replace(route, target=route.target.replace(ID.encode(), ids[noun].encode()))
        for asker in askers:
            awaited = expected(route, asker)
            if _owns(asker, people) and not route.is_safe:
                continue  # that it can do it is told elsewhere
            if awaited == _IN:
                awaited = _FOUND if _sees(route, asker, people) else _MISSING
            yield from _judged(port, real, asker, secret, awaited)


def _sees(route: Route, asker: Asker, people: People) -> bool:
    is_shown_others = asker.role in route.audience.of_others and asker.lacks != FACTOR
    return is_shown_others or _owns(asker, people)


def _owns(asker: Asker, people: People) -> bool:
    return asker.person is not None and asker.person.user_id == people.shopper.user_id


def in_line(people: People, secret: str, buy: Callable[[str], dict[str, Any]]) -> Iterator[str]:
    """Have everybody buy, by the token or key they show, in a sale for confirmed addresses."""
    for asker in map(people.log_in_again, people.askers):
        person = asker.person
        told = buy(person.token(secret, asker.kind) if person else asker.key)
        is_let_in = asker.counts and person is not None and person.is_verified and asker.kind == ACCESS
        if is_let_in != ("ticket" in told):
            yield f"{asker.name}: {told}"
        if person is not None and not person.is_verified and told.get("code") != "email_not_verified":
            yield f"{asker.name}: not told why: {told}"


def expected(route: Route, asker: Asker) -> str | frozenset[str]:
    """Say what the table makes of it: in, either, or the codes of which one refuses it."""
    audience = route.audience
    if not asker.counts or audience.takes != asker.kind:
        return _EITHER if audience.is_open else _refusals(route)
    if asker.key and asker.kind == ACCESS:
        return _expected_of_key(route, asker)
    if asker.role not in audience.roles:
        return _refusals(route) if asker.role == NOBODY else frozenset({"forbidden"})
    lacks_factor = asker.lacks == FACTOR and audience.of_staff
    lacks_confirmation = asker.lacks == CONFIRMATION and audience.asks_again
    return frozenset({asker.lacks}) if lacks_factor or lacks_confirmation else _IN


def _expected_of_key(route: Route, asker: Asker) -> str | frozenset[str]:
    if route.audience.is_open and not route.audience.keys:
        return _EITHER
    return _IN if asker.role in route.audience.keys else _KEYS


def _refusals(route: Route) -> frozenset[str]:
    """How who is nobody here is refused."""
    return _NO_PASS if route.audience.takes == "pass" else _NOBODYS


def _judged(
    port: int, route: Route, asker: Asker, secret: str, awaited: str | frozenset[str]
) -> Iterator[str]:
    headers = asker.headers(secret, by_cookie=not route.is_of_api)
    return _weighed(port, route, asker.name, headers, awaited)


def _by_cookies_alone(port: int, route: Route, secret: str, people: People) -> Iterator[str]:
    is_open = route.audience.is_open and not route.audience.guards_cookies
    for name, person in (("shopper", people.shopper), ("owner", people.owner)):
        signed_in = people.sign_in(person)
        cookies = credentials.by_cookie_alone(signed_in, secret)
        yield from _weighed(
            port,
            route,
            f"{name}'s cookies alone",
            cookies,
            _EITHER if is_open else _UNPROVEN | _refusals(route),
        )


def _weighed(
    port: int, route: Route, name: str, headers: list[Header], awaited: str | frozenset[str]
) -> Iterator[str]:
    request = Request(route.method, route.target, ((b"Host", b"shop.example"), *headers))
    if not route.is_safe:
        request = request.with_body(_BODIES.get(route.named, b""))
    answer = ask(port, request.raw, is_head=route.method == b"HEAD")
    asked = f"{route.method.decode()} {route.target.decode()}, {name}"
    if answer is None:
        yield f"{asked}: no answer"
        return
    wrong, told = faults(request, answer), f"{answer.status} {_code(answer)}"
    if awaited in {_FOUND, _MISSING} and (answer.status == 404) != (awaited == _MISSING):
        wrong.append(f"{awaited}, and answered {told}")
    if awaited in {_IN, _FOUND} and _is_turned_away(answer):
        wrong.append(f"shut out with {told}")
    if isinstance(awaited, frozenset) and not _is_refused_by(answer, awaited):
        wrong.append(f"let in with {told}, or not refused by {' or '.join(sorted(awaited))}")
    yield from (f"{asked}: {fault}" for fault in wrong)


def _is_turned_away(answer: Answer) -> bool:
    """Refused, or sent to log in."""
    to_log_in = answer.status == 303 and answer.headers["location"].startswith("/login")
    return answer.status in _REFUSED or to_log_in


def _is_refused_by(answer: Answer, codes: frozenset[str]) -> bool:
    is_spent = answer.status == 410 and codes & _NO_PASS
    return (is_spent or _is_turned_away(answer)) and _code(answer) in {"", *codes}


def _code(answer: Answer) -> str:
    """Why it is refused; empty where the answer does not say (to `HEAD`, and in a page)."""
    is_problem = answer.headers.get("content-type") == "application/problem+json" and answer.body
    return str(json.loads(answer.body)["code"]) if is_problem else ""


def everything_odd(port: int, oddities: Oddities, count: int) -> Iterator[str]:
    """Send so many odd requests, and yield what is wrong with the answers."""
    for _ in range(count):
        request, raw = oddities.raw()
        answer = ask(port, raw, is_head=raw.startswith(b"HEAD"))
        if answer is not None:  # a connection may be closed on who says no word of HTTP
            yield from (f"{raw[:600]!r}: {fault}" for fault in faults(request, answer))
