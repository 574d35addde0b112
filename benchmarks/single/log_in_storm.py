"""Measures what a storm of log-ins does to those who press meanwhile.

    python -m benchmarks.single.log_in_storm [--log-ins 200] [--intents 300] [--seconds 4] [--rounds 3]

Two web processes with the project's settings; intents by POST at a steady rate, in each round first alone and
then beside log-ins with right passwords at theirs; a round ends when all are answered. Both come when they
are due, however slow the answers are, and an intent's time runs from when it was due. It starts its own
servers, and ends them. What the figures mean stands in docs/performance.md.
"""

import argparse
import asyncio
import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson
from sqlalchemy import text

from benchmarks.client.http import HttpPool, Tries
from benchmarks.client.http_wire import Target, build_request
from benchmarks.harness.crowd_tokens import make_crowd_in_bulk
from benchmarks.harness.durations import Spread
from benchmarks.speed.over_http import BODY, serve
from benchmarks.speed.workbench import Place, Shopper, open_place
from benchmarks.speed.workload import open_sale
from web.auth.passwords import Passwords

PASSWORD: Final = "correct horse battery"  # noqa: S105 - of accounts that live as long as the measurement
CROWD_S: Final = 60.0
CONNECTIONS: Final = 600  # of those who log in, of whom some wait in the shop's queue
HALVES: Final = ("intents alone", "intents beside the storm", "log-ins")
WORDS: Final = {"Content-Type": "application/json"}


@dataclass(slots=True)
class Seen:
    """How often which status was answered, and after how long since it was due, in ns."""

    statuses: Counter[int] = field(default_factory=Counter)
    took_ns: list[int] = field(default_factory=list)


async def send_steadily(
    target: Target, requests: Iterator[bytes], per_second: float, seconds: float, connections: int
) -> Seen:
    """Send each request when it is due, over as many connections as it takes."""
    pool, seen, running = HttpPool(target, connections), Seen(), set()

    async def send(request: bytes, due: float) -> None:
        try:
            status = (await pool.send(request, Tries())).status
        except (OSError, TimeoutError):
            status = 0
        seen.statuses[status] += 1
        seen.took_ns.append(int((time.monotonic() - due) * 1e9))

    began = time.monotonic()
    for number in range(int(per_second * seconds)):
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        task = asyncio.create_task(send(next(requests), due))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    pool.close()
    return seen


async def press_and_log_in(
    target: Target, intents: Iterator[bytes], log_ins: Iterator[bytes], options: argparse.Namespace
) -> tuple[Seen, Seen, Seen]:
    """Press alone, then beside the storm; returns both, and what those who logged in saw."""
    seconds = options.seconds
    alone = await send_steadily(target, intents, options.intents, seconds, 64)
    beside, storm = await asyncio.gather(
        send_steadily(target, intents, options.intents, seconds, 64),
        send_steadily(target, log_ins, options.log_ins, seconds, CONNECTIONS),
    )
    return alone, beside, storm


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print three lines a round."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.single.log_in_storm")
    parser.add_argument("--log-ins", type=int, default=200, help="a second")
    parser.add_argument("--intents", type=int, default=300, help="a second")
    parser.add_argument("--seconds", type=int, default=4, help="for each half of a round")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    with open_place() as place:
        pressing = 2 * options.intents * options.seconds * options.rounds
        entering = options.log_ins * options.seconds
        crowd = make_crowd_in_bulk(pressing + entering, CROWD_S, environment=place.environment())
        emails = give_passwords(place, [user for user, _ in crowd[pressing:]])
        with serve(place, "shop", "web:create_app()", processes=2) as shop:
            intents = presses(place, shop.target, crowd[:pressing])
            log_ins = (_log_in(shop.target, email) for email in itertools.cycle(emails))
            for _ in range(options.rounds):
                seen = asyncio.run(press_and_log_in(shop.target, intents, log_ins, options))
                for name, one in zip(HALVES, seen, strict=True):
                    print(f"{name}: {dict(one.statuses)}, p50 / p99 / longest {Spread.of(one.took_ns)}")
    return 0


def give_passwords(place: Place, users: Sequence[str]) -> list[str]:
    """Give these accounts a password; returns their e-mails."""
    give = text(
        "UPDATE users SET password_hash = :hash WHERE id = ANY(CAST(:users AS uuid[])) RETURNING email"
    )
    with place.context.database.connection() as connection:
        return list(
            connection.execute(give, {"hash": Passwords().hash(PASSWORD), "users": list(users)}).scalars()
        )


def presses(place: Place, target: Target, people: Sequence[Shopper]) -> Iterator[bytes]:
    """Lay out an intent of each."""
    path = f"/api/v1/sales/{open_sale(place, units=len(people)).id}/intents"
    return iter(
        [
            build_request(
                "POST", path, target, headers={"Authorization": f"Bearer {token}", **WORDS}, body=BODY
            )
            for _, token in people
        ]
    )


def _log_in(target: Target, email: str) -> bytes:
    body = orjson.dumps({"email": email, "password": PASSWORD})
    return build_request("POST", "/api/v1/auth/login", target, headers=WORDS, body=body)


if __name__ == "__main__":
    sys.exit(main())
