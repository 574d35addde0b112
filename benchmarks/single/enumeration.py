"""Tries to find out which addresses have accounts, by answers and by their times.

    python -m benchmarks.single.enumeration [--tries 1000] [forgot] [resend] [login] [register]

One client sends requests one after the other to one web process with mail: as often for addresses that have
accounts as for others, in an order that is drawn by lot, and each address once. Answers are compared without
ids and addresses; times by their medians and by a rank test (Mann and Whitney): in which share of pairs the
known address took longer (0.5 is as often as not), and how many standard deviations that is off. It starts
its own servers, and ends them.
"""

import argparse
import http.client
import random
import re
import statistics
import sys
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson
from sqlalchemy import text

from benchmarks.client.http_wire import Target
from benchmarks.speed.over_http import serve
from benchmarks.speed.workbench import Place, open_place
from web.auth.passwords import Passwords

PASSWORD: Final = "correct horse battery"  # noqa: S105 - of accounts that live as long as the measurement
PATHS: Final = {
    "forgot": "/api/v1/auth/password/forgot",
    "resend": "/api/v1/auth/verify/resend",
    "login": "/api/v1/auth/login",
    "register": "/api/v1/auth/register",
}
APPLICATION: Final = "web:create_app()"
WARM_UP: Final = 40  # tries that are not counted
_OWN: Final = re.compile(rb"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}@example\.com")
SETTINGS: Final = {
    "RATE_LIMIT_ENABLED": "0",
    "LOG_IN_CPU_SHARE": "1",
    "SMTP_URL": "smtp://127.0.0.1:9",
    "MAIL_FROM": "Shop <shop@shop.example>",
}


@dataclass(slots=True)
class Told:
    """What was answered to known or to unknown addresses, and how long it took, in ms."""

    answers: Counter[tuple[int, bytes]] = field(default_factory=Counter)
    took_ms: list[float] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a line a route, and exit with 1 where answers differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.single.enumeration")
    parser.add_argument("--tries", type=int, default=1_000, help="for known addresses, and for unknown ones")
    parser.add_argument(
        "routes", nargs="*", default=list(PATHS), metavar="ROUTE", help="all unless they are named"
    )
    options = parser.parse_args(arguments)
    differ = False
    with (
        open_place() as place,
        serve(place, "shop", APPLICATION, processes=1, cores=None, **SETTINGS) as shop,
    ):
        for name in options.routes:
            known, unknown = ask(place, shop.target, PATHS[name], options.tries)
            differ |= set(known.answers) != set(unknown.answers)
            print(f"{name}: {line_of(known, unknown)}", flush=True)
    return int(differ)


def ask(place: Place, target: Target, path: str, tries: int) -> tuple[Told, Told]:
    """Ask for as many known as unknown addresses, in an order that is drawn by lot."""
    emails = [f"{uuid.uuid4().hex}@example.com" for _ in range(2 * (tries + WARM_UP))]
    known = set(emails[::2])
    add_accounts(place, sorted(known))
    order = random.sample(emails, len(emails))
    told = {True: Told(), False: Told()}
    connection = http.client.HTTPConnection(target.host, target.port, timeout=30)
    for number, email in enumerate(order):
        status, body, took_ms = _send(connection, path, email)
        if number >= 2 * WARM_UP:
            one = told[email in known]
            one.answers[status, _OWN.sub(b"*", body)] += 1
            one.took_ms.append(took_ms)
    connection.close()
    return told[True], told[False]


def add_accounts(place: Place, emails: Sequence[str]) -> None:
    """Make accounts with a password, whose addresses are not confirmed."""
    row = text(
        "INSERT INTO users (id, email, password_hash)"
        " SELECT gen_random_uuid(), unnest(CAST(:emails AS text[])), :hash"
    )
    with place.context.database.connection() as connection:
        connection.execute(row, {"emails": list(emails), "hash": Passwords().hash(PASSWORD)})


def line_of(known: Told, unknown: Told) -> str:
    """Say what was seen of a route."""
    share, deviations = rank_test(known.took_ms, unknown.took_ms)
    medians = " / ".join(f"{statistics.median(one.took_ms):.2f}" for one in (known, unknown))
    same = set(known.answers) == set(unknown.answers)
    return (
        f"{len(known.took_ms)} + {len(unknown.took_ms)} tries, answers {'the same' if same else 'DIFFER'}"
        f" {sorted({status for status, _ in known.answers})}, median ms {medians},"
        f" known took longer in {share:.3f} of pairs ({deviations:+.1f} deviations)"
    )


def rank_test(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """Mann and Whitney's test: the share of pairs in which `one` is greater, and how far that is off."""
    ranked = sorted([(value, True) for value in one] + [(value, False) for value in other])
    ranks = sum(rank for rank, (_, is_one) in enumerate(ranked, 1) if is_one)
    pairs, size = len(one) * len(other), len(one) + len(other)
    greater = ranks - len(one) * (len(one) + 1) / 2
    return greater / pairs, (greater - pairs / 2) / (pairs * (size + 1) / 12) ** 0.5


def _send(connection: http.client.HTTPConnection, path: str, email: str) -> tuple[int, bytes, float]:
    asked = {"email": email}
    if path in (PATHS["login"], PATHS["register"]):
        asked["password"] = f"{PASSWORD} of somebody else"
    body = orjson.dumps(asked)
    began = time.perf_counter()
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    return answer.status, said, (time.perf_counter() - began) * 1e3


if __name__ == "__main__":
    sys.exit(main())
