"""A PostgreSQL connection with a time limit on the client's side, and the settings of each session.

`statement_timeout` is enforced by the server, so a server that is stopped or cut off does not enforce it. The
client therefore has a limit of its own, a little longer. A connection on which it passed is closed: the
answer may still arrive and would be taken for that of another query.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg
from psycopg import generators, pq
from psycopg.abc import PQGen
from psycopg.errors import ConnectionTimeout, _WaitTimeout, error_from_result

RV = TypeVar("RV")
IDLE: Final = pq.TransactionStatus.IDLE
FATAL_ERROR: Final = pq.ExecStatus.FATAL_ERROR

WAIT_INTERVAL_S: Final = 0.1  # as the driver's own: how often it looks whether it was interrupted
SLICE_S: Final = 2.0  # how often a long wait checks whether there is any hope
LOCK_MS: Final = 3_000

# For hosts that are cut off: without an answer to what was sent for so long, or to three questions whether
# somebody is there, the connection is over. Unix sockets have no such setting, and do not need it.
SILENCE_MS: Final = 6_000
KEEPALIVES: Final = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}  # seconds, seconds


@dataclass(frozen=True, slots=True)
class Patience:
    """How long work may take.

    `statement_ms`: PostgreSQL ends a statement; `idle_ms`: it ends a transaction in which nothing is asked;
    `answer_s`: the client gives up a connection that does not answer. 0 and None: never.
    """

    statement_ms: int
    idle_ms: int
    answer_s: float | None


QUICK_S: Final = 5.0
PROBE: Final = Patience(800, 5_000, 1.0)
QUICK: Final = Patience(4_000, 5_000, QUICK_S)  # a person waits for it, or work that blocks others
STEADY: Final = Patience(15_000, 20_000, 17.0)  # tools
LONG: Final = Patience(60_000, 60_000, 63.0)  # audits, reports, exports
ENDLESS: Final = Patience(0, 0, None)  # migrations


class Unanswered(psycopg.OperationalError):
    """The server did not answer in time; the connection is closed."""


SILENCE: Final = (Unanswered, ConnectionTimeout)


class PatientConnection(psycopg.Connection[Any]):
    """A connection that gives up waiting after its time limit.

    `is_hopeless` is asked during long waits: whether others have found meanwhile that the server does not
    answer. `each_time` is said with each `BEGIN`, where a session's settings do not last.
    """

    patience: Patience = STEADY
    is_hopeless: Callable[[], bool] = staticmethod(lambda: False)
    each_time: tuple[bytes, ...] = ()

    def _start_query(self) -> PQGen[None]:
        """Begin a transaction as the driver does, and say with it what is to hold for it: one round trip."""
        if not self.each_time or self.autocommit or self.pgconn.transaction_status != IDLE:
            yield from super()._start_query()
        elif self._pipeline:
            yield from super()._start_query()
            for setting in self.each_time:
                yield from self._exec_command(setting)
        else:
            yield from self._begin_with(self.each_time)

    def _begin_with(self, settings: tuple[bytes, ...]) -> PQGen[None]:
        self._check_connection_ok()
        self.pgconn.send_query(b";".join((self._get_tx_start_command(), *settings)))
        for result in (yield from generators.execute(self.pgconn)):
            if result.status == FATAL_ERROR:
                raise error_from_result(result)

    def wait(self, gen: PQGen[RV], interval: float = WAIT_INTERVAL_S, timeout: float | None = None) -> RV:
        """Wait for an answer.

        Raises:
            Unanswered: there was none in time.
        """
        if timeout is not None or self.patience.answer_s is None:
            return super().wait(gen, interval, timeout)
        until = monotonic() + self.patience.answer_s
        slice_s = self.patience.answer_s if self.patience.answer_s <= QUICK_S else SLICE_S
        while True:
            try:
                return super().wait(gen, interval, min(slice_s, max(0.0, until - monotonic())))
            except _WaitTimeout:
                if monotonic() >= until or self.is_hopeless():
                    self.pgconn.finish()
                    raise Unanswered("PostgreSQL did not answer in time.") from None


def startup(application_name: str, patience: Patience, connect_timeout_s: int) -> dict[str, Any]:
    """Return the driver's arguments for a connection.

    The only place that configures PostgreSQL's sessions; behind a pooler each transaction is told the same
    (`models.connector`).
    """
    told = {
        "timezone": "UTC",
        "statement_timeout": patience.statement_ms,
        "lock_timeout": LOCK_MS,
        "idle_in_transaction_session_timeout": patience.idle_ms,
        "tcp_user_timeout": SILENCE_MS,
        **{f"tcp_{name}": value for name, value in KEEPALIVES.items()},
    }
    return {
        "connect_timeout": connect_timeout_s,
        "application_name": application_name,
        "options": " ".join(f"-c {name}={value}" for name, value in told.items()),
        "tcp_user_timeout": SILENCE_MS,
        **KEEPALIVES,
    }


def each_time(options: str) -> tuple[bytes, ...]:
    """Write the same settings for one transaction; those of the network are the pooler's."""
    told = [one.strip().split("=") for one in options.split("-c ") if one.strip()]
    kept = [(name, value) for name, value in told if not name.startswith("tcp_")]
    return tuple(f"SET LOCAL {name} = '{value}'".encode() for name, value in kept)
