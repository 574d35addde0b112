"""`python -m tests.oracle`: asks a platform of its own everything, at length, and weighs its web processes.

ORACLE_SIZE (2000) is how many odd requests are sent, and ten frames to each; ORACLE_SEED (1) is which ones.
"""

import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import psutil

from benchmarks.harness.processes import descendants
from config import Settings, load_settings
from tasks.context import build_context
from tests.acceptance.running import StartedPlatform
from tests.oracle.credentials import no_good
from tests.oracle.frames import Frames
from tests.oracle.oddities import Oddities
from tests.oracle.people import People
from tests.oracle.questions import everybody, everything_odd, nobodys
from tests.oracle.routes import ID, Route, routes_of
from tests.oracle.sockets import talk
from web import create_app

SIZE: Final = int(os.environ.get("ORACLE_SIZE", "2000"))
SEED: Final = int(os.environ.get("ORACLE_SEED", "1"))
FRAMES: Final = 10  # to a request
# Of a web process's memory: 5 % at any number of odd requests, and some room. What grows is bounded: compiled
# statements (SQLAlchemy keeps 500), counters of routes by method and status, and verified tokens: 1.26 kB
# each, 8,192 at most, 10.3 MB; 2,300 of them come with a round of all credentials.
MOST_GROWTH: Final = 0.08
REGISTERED: Final = 20  # accounts, so that each process has loaded its lists of common passwords (13 MB)
SHOWN: Final = 40  # faults
_HEARD_S: Final = 3.0  # until each process knows whose log-ins have ended
_ROOM: Final = {"RATE_LIMIT_API": "100000/minute"}


def main() -> int:
    """Ask, and say how it went: 1 where anything was wrong."""
    platform = StartedPlatform(
        SECRET_KEY=(key := secrets.token_hex(32)), STAFF_SECOND_FACTOR="required", **_ROOM
    )
    try:
        platform.start()
        wrong = Oracle(platform, key).run()
    finally:
        platform.remove()
    for fault, count in Counter(wrong).most_common(SHOWN):
        print(f"{count} x {fault}")  # noqa: T201
    return 1 if wrong else 0


class Oracle:
    """A running platform, and who asks it."""

    def __init__(self, platform: StartedPlatform, key: str) -> None:
        self._platform = platform
        self._key = key
        settings = _settings(platform, key)
        self._people = People(build_context(settings, "oracle"))
        time.sleep(_HEARD_S)
        routes = list(routes_of(create_app(settings)))
        (sale,) = platform.get("/api/v1/sales?limit=1")["items"]
        self._ids = [ID, sale["id"], sale["product"]["id"]]
        real = [replace(one, target=one.target.replace(ID.encode(), sale["id"].encode())) for one in routes]
        self._routes = routes
        self._asked = [*routes, *(one for one in real if not _ends_the_sale(one))]

    def run(self) -> list[str]:
        """Ask everything; what is wrong, in words."""
        wrong = self._told("each route once, so that it is warm", self._credentials())
        wrong += self._told("some odd requests, to the same end", self._odd(SEED - 1, SIZE // 4))
        wrong += self._told("some frames, likewise", self._frames(SEED - 1, SIZE * FRAMES // 4))
        self._register(REGISTERED)
        before = self._weights()
        wrong += self._told("every route with every credential", self._credentials())
        wrong += self._told(f"{SIZE} odd requests", self._odd(SEED, SIZE))
        wrong += self._told(f"{SIZE * FRAMES} frames", self._frames(SEED, SIZE * FRAMES))
        after = self._weights()
        for pid, weight in before.items():
            growth = after.get(pid, 0) / weight - 1
            print(f"web process {pid}: {weight / 1e6:.1f} MB before, {growth:+.1%} after")  # noqa: T201
            if pid not in after or growth > MOST_GROWTH:
                wrong.append(
                    f"the memory of a web process, or the process, is not what it was: {growth:+.1%}"
                )
        return wrong + ["a traceback was written"] * self._platform.text.count("Traceback")

    def _register(self, count: int) -> None:
        for _ in range(count):
            body = {"email": f"{secrets.token_hex(8)}@example.com", "password": secrets.token_hex(16)}
            self._platform.post("/api/v1/auth/register", body)

    def _credentials(self) -> Iterator[str]:
        self._people.sign_everybody_in()  # an earlier round has ended their log-ins
        port, bad = self._platform.target.port, len(no_good(self._key, self._people.owner))
        yield from everybody(port, self._routes, self._key, self._people)
        yield from nobodys(port, self._routes, self._key, self._people, each=bad)

    def _odd(self, seed: int, count: int) -> Iterator[str]:
        people = (self._people.shopper, self._people.owner)
        tokens = [self._people.sign_in(one).token(self._key) for one in people]
        yield from everything_odd(
            self._platform.target.port, Oddities(self._asked, tokens, self._ids, seed), count
        )

    def _frames(self, seed: int, count: int) -> Iterator[str]:
        token = self._people.sign_in(self._people.shopper).token(self._key)
        yield from talk(self._platform.target.port, Frames(self._ids, seed), count, token)

    def _told(self, what: str, asked: Iterator[str]) -> list[str]:
        wrong = list(asked)
        print(f"{what}: {len(wrong)} wrong", flush=True)  # noqa: T201
        return wrong

    def _weights(self) -> dict[int, int]:
        """Bytes in memory of each process that serves, by its pid."""
        serving = [pid for pid in self._platform.groups()["web"] if not descendants(pid)]
        return {pid: psutil.Process(pid).memory_info().rss for pid in serving}


def _settings(platform: StartedPlatform, key: str) -> Settings:
    """The platform's own, to make accounts in its ledger and to name its routes."""
    os.environ.update(platform.environment())
    return replace(load_settings(), secret_key=key)


def _ends_the_sale(route: Route) -> bool:
    return route.method == b"POST" and route.target.endswith((b"/end", b"/cancel"))


if __name__ == "__main__":
    sys.exit(main())
