"""Opens the sessions of a process: at the host that was good last, with their settings behind a pooler too.

A pooler of transactions, such as PgBouncer with `pool_mode = transaction`, gives each transaction the session
of another client. Nothing may then be set for a session, nor be prepared in it; what is to hold is said with
each `BEGIN`, in the same message, so that it costs no round trip.
"""

from enum import StrEnum
from typing import Any, Final

import psycopg
import structlog

from models.driver import PatientConnection, each_time

log: Final = structlog.get_logger()

REFUSED: Final = "unsupported startup parameter"  # PgBouncer's word for `options`


class Pooler(StrEnum):
    """What stands between this process and PostgreSQL."""

    AUTO = "auto"  # to be found out at the first connection
    TRANSACTION = "transaction"  # a pooler that hands sessions on after each transaction
    NONE = "none"


class Connector:
    """Opens connections for one database; remembers what it found out on the way."""

    def __init__(self, pooler: str = Pooler.AUTO) -> None:
        kind = Pooler(pooler)
        self.is_pooled: bool | None = None if kind is Pooler.AUTO else kind is Pooler.TRANSACTION
        self._good: tuple[str, str] | None = None  # host and port of the last connection

    def open(self, *arguments: Any, **named: Any) -> PatientConnection:
        """Connect.

        Raises:
            psycopg.OperationalError: none of the hosts can be used.
        """
        named = good_first(named, self._good)
        connection = self._open(arguments, named)
        self._good = (connection.info.host, str(connection.info.port))
        return connection

    def _open(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> PatientConnection:
        if self.is_pooled is None:
            found = self._find_out(arguments, named)
            if found is not None:
                return found
        if not self.is_pooled:
            return PatientConnection.connect(*arguments, **named)
        settings = {**named, "prepare_threshold": None}
        connection = PatientConnection.connect(*arguments, **{**settings, "options": ""})
        connection.each_time = each_time(named["options"])
        return connection

    def _find_out(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> PatientConnection | None:
        """Connect as if there were no pooler; None where there is one."""
        try:
            connection = PatientConnection.connect(*arguments, **named)
        except psycopg.OperationalError as error:
            if REFUSED not in str(error):
                raise
        else:
            if _is_served_by_whom_it_called(connection):
                self.is_pooled = False
                return connection
            connection.close()
        self.is_pooled = True
        log.info("ledger_is_pooled")
        return None


def good_first(named: dict[str, Any], good: tuple[str, str] | None) -> dict[str, Any]:
    """Put the host that was good last before the others: one that vanished costs two seconds each time."""
    hosts, ports = (str(named.get(name, "")).split(",") for name in ("host", "port"))
    if good is None or len(hosts) < 2 or len(hosts) != len(ports) or "load_balance_hosts" in named:
        return named
    places = sorted(zip(hosts, ports, strict=True), key=lambda place: place != good)
    return {
        **named,
        "host": ",".join(host for host, _ in places),
        "port": ",".join(port for _, port in places),
    }


def _is_served_by_whom_it_called(connection: PatientConnection) -> bool:
    """A pooler that ignores `options` takes them silently, but greets with a process id of its own."""
    told = connection.info.backend_pid
    (serving,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (None,)
    connection.rollback()
    return bool(serving == told)
