"""What each web process tells of itself every other second: another may be asked for the figures of all."""

from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import Gauge

from models.errors import LineUnavailable
from tasks.context import Context
from tasks.runtime.periodic import Periodic

PERIOD_S: Final = 2.0

CONNECTIONS: Final = Gauge(
    "database_connections_in_use", "Connections of the pool to PostgreSQL in use", multiprocess_mode="livesum"
)
CONNECTIONS_MOST: Final = Gauge(
    "database_connections_limit", "Connections that the pool may have", multiprocess_mode="livesum"
)
SILENT: Final = Gauge(
    "ledger_is_silent",
    "Whether a web process knows that the ledger is silent",
    multiprocess_mode="livemax",
)
HASHING: Final = Gauge(
    "password_hashes_waiting", "Log-ins that wait for their hash", multiprocess_mode="livesum"
)
HASHING_MOST: Final = Gauge(
    "password_hashes_waiting_limit", "How many may wait; more are refused", multiprocess_mode="livesum"
)
SOCKETS_MOST: Final = Gauge("sockets_limit", "How many sockets may be open", multiprocess_mode="livesum")


class ProcessFigures:
    """Sets the gauges by their readings, and adds what the process measured to the sums in Redis."""

    def __init__(self, context: Context, readings: Mapping[Gauge, Callable[[], float]]) -> None:
        self._live = context.live
        self._measures = context.measures
        self._readings = readings
        self._teller = Periodic("process_figures", self.tell, PERIOD_S, is_at_once=True)

    def start(self) -> None:
        """Tell from now on; in a process of its own, after its fork."""
        self._teller.start()

    def tell(self) -> None:
        """Tell how the process is now."""
        for gauge, read in self._readings.items():
            gauge.set(read())
        if grown := self._measures.take():
            try:
                self._live.figures.add(grown)
            except (
                LineUnavailable
            ):  # which others tell of: a line of each process every other second is too much
                self._measures.give_back(grown)
