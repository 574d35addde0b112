"""The measurement of sockets: intents accepted by socket, beside those accepted over HTTP, in one run.

One gunicorn process with the project's settings on one core, which serves both in turn; the load and the
servers on the others. No worker runs.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Final

import orjson

from benchmarks.harness.failures import CannotMeasure
from benchmarks.harness.processes import cpu_seconds
from benchmarks.speed.over_http import DEADLINE_S, Note, Served, kept_apart, load_shop, serve
from benchmarks.speed.socket_load import Heard, connected
from benchmarks.speed.workbench import Place, Shopper
from benchmarks.speed.workload import open_sale
from models.live.keys import SaleKeys

PER_S: Final = "intents/s"
WARM_UP: Final = 200  # intents


def measure_sockets(place: Place, crowd: Sequence[Shopper], rounds: int, intents: int, note: Note) -> None:
    """Have as many shoppers ask over HTTP and by socket, in turn, on one process.

    Raises:
        CannotMeasure: an answer was not what it should be.
    """
    fresh = iter(crowd)
    with kept_apart() as own, serve(place, "shop", "web:create_app()", cores=own) as shop:
        some = list(islice(fresh, WARM_UP))
        load_shop(shop, some)
        load_sockets(shop, some)
        for _ in range(rounds):
            _measure_round(shop, list(islice(fresh, intents)), note)


def _measure_round(shop: Served, shoppers: Sequence[Shopper], note: Note) -> None:
    over_http = load_shop(shop, shoppers)
    heard, cpu_us = load_sockets(shop, shoppers)
    note("accepted over HTTP beside sockets", PER_S, over_http.per_second)
    note("accepted by socket", PER_S, heard.per_second)
    note("accepted over HTTP beside sockets, CPU", "µs/intent", over_http.cpu_us)
    note("accepted by socket, CPU", "µs/intent", cpu_us)


def load_sockets(served: Served, shoppers: Sequence[Shopper]) -> tuple[Heard, float]:
    """Have each of the shoppers connect and authenticate, and then all of them ask to buy at once.

    Returns what they heard, and the CPU time of the web process an intent, in microseconds. Connecting is
    counted in neither.

    Raises:
        CannotMeasure: not everybody was let in, or stands in line exactly once.
    """
    sale = open_sale(served.place, units=len(shoppers))
    asked = [orjson.dumps({"type": "intent", "sale_id": str(sale.id), "quantity": 1})] * len(shoppers)
    auth = [orjson.dumps({"type": "auth", "token": token}) for _, token in shoppers]
    try:
        with connected(served.target, auth) as crowd:
            _require_type("ready", crowd.welcomes)
            before = cpu_seconds(served.workers)
            heard = crowd.ask(asked, seconds=DEADLINE_S)
            used = cpu_seconds(served.workers) - before
    except OSError as error:
        raise CannotMeasure(f"{served.name}: {error}\n{served.place.tail(served.name)}") from error
    _require_in_line(served.place, SaleKeys.of(sale.id).line, _require_type("intent", heard.answers))
    return heard, used / len(shoppers) * 1e6


def _require_type(kind: str, answers: Sequence[bytes]) -> list[dict[str, object]]:
    told: list[dict[str, object]] = [orjson.loads(answer) for answer in answers]
    for one in told:
        if one["type"] != kind:
            raise CannotMeasure(f"One was answered {one} instead of with {kind!r}.")
    return told


def _require_in_line(place: Place, line: str, told: Sequence[dict[str, object]]) -> None:
    """Each stands in line once, and where he was told."""
    in_line = place.context.live.client.lrange(line, 0, -1)
    if [one["id"] for one in sorted(told, key=lambda one: one["ticket"])] != in_line:  # type: ignore[arg-type,return-value]
        raise CannotMeasure(f"Of {len(told)} accepted intents, the line does not hold each once, in order.")
