"""The measurement of arrivals: sockets that connect, log in and subscribe, all in one round trip."""

import time
from collections.abc import Sequence
from itertools import islice
from typing import Final

from benchmarks.client.crowd_socket import Socket
from benchmarks.client.frames import SocketRefused
from benchmarks.client.sockets import Sockets, Upgrade
from benchmarks.harness.client_processes import allow_open_files
from benchmarks.harness.failures import CannotMeasure
from benchmarks.harness.processes import cpu_seconds
from benchmarks.speed.over_http import DEADLINE_S, Note, Served, kept_apart, serve
from benchmarks.speed.workbench import Place, Shopper
from benchmarks.speed.workload import open_sale

WARM_UP: Final = 200  # sockets
_READY, _SHOWN = b'{"type":"ready"', b'{"type":"sale"'


class _Arrivals:
    """A `Caller` whose sockets name who they are and what they watch; `ready`: who heard back of both."""

    def __init__(self, tokens: Sequence[str], sale_id: str) -> None:
        self._tokens = tokens
        self._path = f"/ws?sale={sale_id}".encode()
        self._heard = [b""] * len(tokens)
        self.ready = 0

    def come_with(self, socket: Socket) -> Upgrade:
        return self._path, f"Authorization: Bearer {self._tokens[socket.index]}\r\n".encode()

    def greet(self, _socket: Socket) -> bytes:
        """It has said everything."""
        return b""

    def on_message(self, socket: Socket, payload: bytes, _at_ns: int) -> None:
        """First whose it is, then what it watches."""
        before = self._heard[socket.index]
        if not payload.startswith(_SHOWN if before else _READY):
            raise SocketRefused(f"{payload!r} after {before!r}")
        self._heard[socket.index] = payload
        self.ready += bool(before)

    def on_lost(self, _socket: Socket, reason: str) -> None:
        """Nobody should be."""
        raise SocketRefused(reason)


def measure_arrivals(place: Place, crowd: Sequence[Shopper], rounds: int, sockets: int, note: Note) -> None:
    """Have as many sockets come to one process each round; all of it is counted, with the client's handshake.

    Raises:
        CannotMeasure: not everybody was let in and told.
    """
    allow_open_files()
    fresh = iter(crowd)
    with kept_apart() as own, serve(place, "shop", "web:create_app()", cores=own) as shop:
        sale_id = str(open_sale(place, units=1).id)
        load_arrivals(shop, list(islice(fresh, WARM_UP)), sale_id)
        for _ in range(rounds):
            per_second, cpu_us = load_arrivals(shop, list(islice(fresh, sockets)), sale_id)
            note("arrived by socket", "sockets/s", per_second)
            note("arrived by socket, CPU", "µs/socket", cpu_us)


def load_arrivals(served: Served, shoppers: Sequence[Shopper], sale_id: str) -> tuple[float, float]:
    """Have a socket of each of them come; returns how many came a second, and the web process's µs for each.

    Raises:
        CannotMeasure: one was refused or lost, or they were not all told in time.
    """
    arrivals = _Arrivals([token for _, token in shoppers], sale_id)
    sockets = Sockets(served.target, arrivals, gather_s=0.0, come_with=arrivals.come_with)
    before, began = cpu_seconds(served.workers), time.perf_counter()
    try:
        sockets.open(len(shoppers))
        while arrivals.ready < len(shoppers) and time.perf_counter() - began < DEADLINE_S:
            sockets.turn(1.0)
        took, used = time.perf_counter() - began, cpu_seconds(served.workers) - before
    except OSError as error:
        raise CannotMeasure(f"{served.name}: {error}\n{served.place.tail(served.name)}") from error
    finally:
        sockets.close()
    if arrivals.ready < len(shoppers) or sockets.failed:
        raise CannotMeasure(f"{arrivals.ready} of {len(shoppers)} arrived. {dict(sockets.failed)}")
    return len(shoppers) / took, used / len(shoppers) * 1e6
