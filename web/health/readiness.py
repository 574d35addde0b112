"""The checks behind `/readyz`: is each dependency reachable, current, and as durable as promised?"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import redis
from kombu import Connection
from redis.exceptions import RedisError

from models.errors import FlashSaleError, ForeignLine, LedgerUnavailable, LineRefused
from models.live.connection.masters import servers
from models.live.keys import TRIAL
from models.live.redis import Client, connect, translated
from models.migrate import is_current
from models.tables.ledger_identity import require_writable
from tasks.runtime.outage import BROKER_ERRORS
from web.http.services import Services

TIMEOUT_S: Final = 1.0  # seconds for one answer of Redis or the broker
SOCKET_WAITS: Final = ("socket_timeout", "socket_connect_timeout")
DURABLE: Final = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency's state."""

    ok: bool
    detail: str


class Readiness:
    """Asks every dependency, briefly."""

    def __init__(self, parts: Services) -> None:
        self._parts = parts

    def check(self) -> dict[str, Check]:
        """Ask them all; none of them can make this raise."""
        database = self._tell(self._database)
        return {
            "database": database,
            "redis": self._tell(self._own_redis if database.ok else self._redis),
            "redis_durability": self._tell(self._durability),
            "broker": self._tell(self._broker),
        }

    def _tell(self, ask: Callable[[], Check]) -> Check:
        try:
            return ask()
        except LedgerUnavailable as error:
            return Check(False, f"cannot do its work: {str(error).partition(':')[0]}")
        except (FlashSaleError, RedisError, OSError) as error:
            return Check(False, f"unreachable: {type(error).__name__}")
        except Exception as error:
            log.exception("a readiness check broke")
            return Check(False, f"broken: {type(error).__name__}")

    def _database(self) -> Check:
        self._parts.database.require_heard()
        with self._parts.database.probing() as connection:
            if not is_current(connection):
                return Check(False, "migrations are not current: run «flask --app web release»")
            require_writable(connection)
        return Check(True, "reachable, takes writes, migrations current")

    def _redis(self) -> Check:
        with self._client() as client:
            for server, trial in servers(client, TRIAL):
                server.ping()
                try:
                    with translated():
                        server.set(trial, 1, px=1)  # a ping is answered by a full or read-only server too
                    self._parts.context.live.replicas.require_at(trial)
                except LineRefused as error:
                    return Check(False, f"reachable, but {error}")
        return Check(True, "reachable")

    def _own_redis(self) -> Check:
        told = self._redis()
        if not told.ok:
            return told
        try:
            self._parts.context.ownership.look()
        except ForeignLine as error:
            return Check(False, str(error))
        return told

    def _durability(self) -> Check:
        with self._client() as client:
            try:
                weak = [one for server, _ in servers(client, TRIAL) for one in _weaknesses(server)]
            except redis.ResponseError:
                return Check(True, "unknown: the server refuses CONFIG")
        if not weak:
            return Check(True, "appendonly yes, appendfsync always, noeviction")
        strict = self._parts.settings.is_production
        return Check(not strict, ("" if strict else "warning: ") + "; ".join(weak))

    def _broker(self) -> Check:
        settings = self._parts.settings
        waits = ("read_timeout", "write_timeout") if settings.is_rabbit else SOCKET_WAITS
        options = {**settings.broker_options, **dict.fromkeys(waits, TIMEOUT_S)}
        connection: Any = Connection(
            settings.broker_url, connect_timeout=TIMEOUT_S, transport_options=options
        )
        nodes = len(connection.alt) or 1
        try:
            connection.ensure_connection(max_retries=nodes, interval_start=0, timeout=TIMEOUT_S)
        except BROKER_ERRORS as error:
            return Check(False, f"unreachable: {type(error).__name__}")
        finally:
            connection.release()
        return Check(True, "reachable")

    def _client(self) -> Client:
        url = self._parts.settings.redis_url
        return connect(url, max_connections=1, connect_timeout_s=TIMEOUT_S, answer_timeout_s=TIMEOUT_S)


def _weaknesses(server: Client) -> list[str]:
    """Tell in what a server is not as durable as promised."""
    found: dict[str, str] = {}
    for name in DURABLE:
        found |= cast(dict[str, str], server.config_get(name))
    return [
        f"{name} is {found.get(name)}, not {wanted}"
        for name, wanted in DURABLE.items()
        if found.get(name) != wanted
    ]
