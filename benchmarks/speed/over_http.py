"""The measurement of HTTP: accepted intents at the connection and by Flask, a sale looked at, a bare route.

One gunicorn process with the project's settings on one core; the load and the servers on the others. No
worker runs.
"""

import asyncio
import contextlib
import http.client
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.client.http import run_load
from benchmarks.client.http_wire import Target, build_request
from benchmarks.harness.durations import Spread
from benchmarks.harness.failures import CannotMeasure
from benchmarks.harness.processes import cpu_seconds, descendants, free_port, pin
from benchmarks.speed.workbench import Place, Shopper
from benchmarks.speed.workload import open_sale

CONNECTIONS: Final = 64
PER_S: Final = "requests/s"
WARM_UP: Final = 500  # requests
DEADLINE_S: Final = 600.0  # it ends a run that hangs, also on a machine that is busy otherwise
BODY: Final = b'{"quantity":1}'
HOST: Final = "127.0.0.1"

Note = Callable[[str, str, float], None]  # a figure's name, its unit, a value


@dataclass(frozen=True, slots=True)
class Served:
    """Web processes that answer."""

    target: Target
    place: Place
    name: str
    workers: frozenset[int]  # ids of the processes that serve, without their master


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load came to."""

    per_second: float
    cpu_us: float  # of the serving processes, a request
    p50_ms: float
    p99_ms: float


def measure_http(
    place: Place,
    crowd: Sequence[Shopper],
    rounds: int,
    requests: int,
    note: Note,
) -> None:
    """Load the bare route and the shop in both its ways in turn, each on a process of its own; then two.

    Raises:
        CannotMeasure: an answer was not what it should be.
    """
    fresh = iter(crowd)
    with kept_apart() as own:
        bare_one = serve(place, "bare", "benchmarks.speed.bare_app:create_app()", cores=own)
        shop_one = serve(place, "shop", "web:create_app()", cores=own)
        by_flask = serve(place, "shop by Flask", "web:create_app()", cores=own, PLAIN_REQUESTS="0")
        with bare_one as bare, shop_one as shop, by_flask as flask:
            some = list(itertools.islice(fresh, WARM_UP))
            load_bare(bare, some)
            load_shop(shop, some)
            load_shop(flask, some)
            for _ in range(rounds):
                _measure_round(bare, shop, flask, list(itertools.islice(fresh, requests)), note)
    with serve(place, "shop of two", "web:create_app()", processes=2) as two:
        for _ in range(rounds):
            loaded = load_shop(two, list(itertools.islice(fresh, requests)))
            note("accepted over HTTP, two processes", PER_S, loaded.per_second)


def _measure_round(
    bare: Served, shop: Served, flask: Served, shoppers: Sequence[Shopper], note: Note
) -> None:
    floor, accepted, by_flask = (
        load_bare(bare, shoppers),
        load_shop(shop, shoppers),
        load_shop(flask, shoppers),
    )
    views = load_sale_views(shop, len(shoppers) // 4)
    note("bare route", PER_S, floor.per_second)
    note("accepted over HTTP", PER_S, accepted.per_second)
    note("accepted by Flask", PER_S, by_flask.per_second)
    note("bare route, CPU", "µs/request", floor.cpu_us)
    note("accepted over HTTP, CPU", "µs/request", accepted.cpu_us)
    note("accepted by Flask, CPU", "µs/request", by_flask.cpu_us)
    note("accepted over HTTP, p50", "ms", accepted.p50_ms)
    note("accepted over HTTP, p99", "ms", accepted.p99_ms)
    note("a sale looked at", PER_S, views.per_second)


@contextlib.contextmanager
def serve(
    place: Place,
    name: str,
    application: str,
    *,
    processes: int = 1,
    cores: set[int] | None = None,
    **settings: str,
) -> Iterator[Served]:
    """Serve an application with the project's gunicorn settings and some others, on some cores if named.

    Raises:
        CannotMeasure: it does not come up.
    """
    port = free_port()
    command = ("gunicorn", "-c", "deploy/server/gunicorn.py", application)
    variables = {"HOST": HOST, "PORT": str(port), "WEB_PROCESSES": str(processes), **settings}
    with place.process(name, command, **variables) as running:
        place.await_true(lambda: running.poll() is not None or _answers(port), name, DEADLINE_S)
        if running.poll() is not None:
            raise CannotMeasure(f"{name} did not come up.\n{place.tail(name)}")
        workers = descendants(running.pid)
        if cores:
            pin(workers, cores)
        yield Served(Target(HOST, port), place, name, frozenset(workers))


def load_bare(served: Served, shoppers: Sequence[Shopper]) -> Loaded:
    """Send the bare route what the shop gets, tokens included."""
    return _load(served, "/echo", shoppers)


def load_shop(served: Served, shoppers: Sequence[Shopper]) -> Loaded:
    """Have each of the shoppers ask to buy once, in a fresh sale."""
    sale = open_sale(served.place, units=len(shoppers))
    result = _load(served, f"/api/v1/sales/{sale.id}/intents", shoppers)
    look = served.place.context.live.look(sale.id)
    if look.line_length != len(shoppers):
        raise CannotMeasure(f"{look.line_length} stand in line instead of {len(shoppers)}.")
    return result


def load_sale_views(served: Served, requests: int) -> Loaded:
    """Have a sale looked at."""
    sale = open_sale(served.place, units=1)
    request = build_request("GET", f"/api/v1/sales/{sale.id}", served.target)
    return run(served, [request] * requests, 200)


def _load(served: Served, path: str, shoppers: Sequence[Shopper]) -> Loaded:
    requests = [
        build_request(
            "POST",
            path,
            served.target,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            body=BODY,
        )
        for _, token in shoppers
    ]
    return run(served, requests, 202)


def run(served: Served, requests: Sequence[bytes], status: int) -> Loaded:
    """Send requests over many connections, each of which must be answered with this status."""
    before = cpu_seconds(served.workers)
    load = run_load(served.target, iter(requests), connections=CONNECTIONS, seconds=DEADLINE_S)
    result, answers = asyncio.run(load), len(requests)
    used = cpu_seconds(served.workers) - before
    if result.statuses != {status: answers}:
        raise CannotMeasure(
            f"{served.name} answered {dict(result.statuses)} of {answers} with {result.errors} errors.\n"
            + served.place.tail(served.name)
        )
    spread = Spread.of(result.latencies_ns)
    return Loaded(result.per_second, used / answers * 1e6, spread.p50_ms, spread.p99_ms)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def _share_cores() -> tuple[set[int], set[int]]:
    """One core for the web process that is measured, the others for everything else."""
    cores = sorted(os.sched_getaffinity(0))
    return ({cores[0]}, set(cores[1:])) if len(cores) > 1 else (set(cores), set(cores))


@contextlib.contextmanager
def kept_apart() -> Iterator[set[int]]:
    """Keep the load and the servers off one core for a while: the one of the web process that is measured."""
    everywhere = os.sched_getaffinity(0)
    own, others = _share_cores()
    ours = {os.getpid()} | descendants(os.getpid())
    pin(ours, others)
    try:
        yield own
    finally:
        pin(ours, everywhere)
