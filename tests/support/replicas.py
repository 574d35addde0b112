"""PostgreSQL on ports of this machine: a primary, and a replica that follows it by streaming."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
import pytest

from benchmarks.harness.processes import free_port
from deploy.embedded import EmbeddedPostgres
from deploy.embedded.binaries import Binary, postgres_binaries
from models.database import Database
from models.migrate import upgrade
from tests.support.engines import require_binary
from tests.support.polling import eventually

FOLLOWER: Final = "follower"  # the replica's name, by which the primary waits for it


class Primary(EmbeddedPostgres):
    """PostgreSQL that is reached by TCP."""

    def __init__(self, place: Path, host: str = "127.0.0.1") -> None:
        super().__init__(place)
        self.tcp_host = host
        self.tcp_port = free_port()

    @property
    def address(self) -> str:
        return f"{self.tcp_host}:{self.tcp_port}"

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://app@{self.address}/app"

    def do(self, *statements: str) -> list[tuple[object, ...]]:
        """Say something to it as its owner; returns the last answer."""
        where = {"host": str(self.socket_directory), "port": self.tcp_port, "user": "app", "dbname": "app"}
        with psycopg.connect(**where, autocommit=True, connect_timeout=2) as connection:  # type: ignore[arg-type]
            told = [connection.execute(one.encode()) for one in statements][-1]
            return told.fetchall() if told.description else []

    def answers(self) -> bool:
        try:
            return self.is_alive() and bool(self.do("SELECT 1"))
        except psycopg.OperationalError:
            return False

    def _choose_binary(self) -> Binary:
        for binary in postgres_binaries():
            if binary.path.with_name("pg_basebackup").exists():
                return binary
        require_binary("pg_basebackup")
        pytest.skip("no PostgreSQL with pg_basebackup on this machine")

    def _initialise(self, binary: Binary) -> None:
        super()._initialise(binary)
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {self.tcp_host}/24 trust\n")

    def _command(self) -> list[str]:
        settings = {"listen_addresses": self.tcp_host, "port": str(self.tcp_port), "shared_buffers": "32MB"}
        return [*super()._command(), *(word for pair in settings.items() for word in ("-c", "=".join(pair)))]


class Replica(Primary):
    """One that begins as a copy of a primary and follows it until it is promoted."""

    def __init__(self, place: Path, primary: Primary, host: str = "127.0.0.1") -> None:
        super().__init__(place, host)
        self._primary = primary

    def promote(self) -> None:
        """Let it take writes."""
        self.do("SELECT pg_promote()")

    def _initialise(self, binary: Binary) -> None:
        source = f"host={self._primary.tcp_host} port={self._primary.tcp_port} user=app"
        source += f" application_name={FOLLOWER}"
        copying = [str(binary.path.with_name("pg_basebackup")), "-D", str(self.data), "-R", "-c", "fast"]
        self._run([*copying, "-X", "stream", "-d", source])


@contextmanager
def replicated(place: Path, *, in_step: bool = True) -> Iterator[tuple[Primary, Replica]]:
    """Run a migrated primary and its replica. `in_step`: nothing is committed that the replica has not."""
    primary = Primary(place / "p")
    replica = Replica(place / "r", primary)
    try:
        primary.start()
        database = Database(primary.url)
        upgrade(database)
        database.dispose()
        replica.start()
        if in_step:
            keep_in_step(primary)
        yield primary, replica
    finally:
        for server in (replica, primary):
            server.kill()


def keep_in_step(primary: Primary) -> None:
    """From here on nothing is committed that the replica has not."""
    primary.do(f"ALTER SYSTEM SET synchronous_standby_names = '{FOLLOWER}'", "SELECT pg_reload_conf()")
    eventually(lambda: primary.do("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"))
