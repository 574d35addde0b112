"""The place where speed is measured: its own servers in a directory of its own, empty at each start.

The servers are those of `make run`, as durable as there; every setting has its default.
"""

import contextlib
import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import text

from benchmarks.harness.programs import Programs, bare_environment
from config import load_settings
from deploy.embedded import EmbeddedPostgres, EmbeddedRedis, write_servers_file
from models.migrate import upgrade
from models.tables.rows import metadata
from tasks.context import Context, build_context

SPARED: Final = frozenset({"users", "token_families", "ledger_identity"})

Shopper = tuple[str, str]  # user id, access token


class Place(Programs):
    """Servers under a directory, programs that are led to them, a context over them."""

    def __init__(self, directory: Path, environment: Mapping[str, str], context: Context) -> None:
        super().__init__(directory, environment)
        self.context = context

    def clear(self) -> None:
        """Empty both stores and the broker's queues; the shoppers stay, and whose Redis it is."""
        self.context.live.client.flushall()
        emptied = ", ".join(table.name for table in metadata.sorted_tables if table.name not in SPARED)
        with self.context.database.connection() as connection:
            connection.execute(text(f"TRUNCATE {emptied} CASCADE"))

    @contextlib.contextmanager
    def process(
        self, name: str, command: Sequence[str], **environment: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a Python program, and stop it at the end."""
        running = self.launch(name, command, {"PROCESS_NAME": name, **environment})
        try:
            yield running
        finally:
            self.stop(name)


@contextlib.contextmanager
def open_place() -> Iterator[Place]:
    """Start the servers, lay the schema, and take all of it away again at the end.

    This process's own environment becomes the place's: whatever reads its settings is led there.
    """
    with tempfile.TemporaryDirectory(prefix="speed-") as folder:
        directory = Path(folder)
        postgres, redis = EmbeddedPostgres(directory), EmbeddedRedis(directory)
        try:
            postgres.start()
            redis.start()
            write_servers_file(directory, postgres.url, redis.url)
            environment = _environment(directory)
            os.environ.clear()
            os.environ.update(environment)
            context = build_context(load_settings(), "speed")
            upgrade(context.database)
            yield Place(directory, environment, context)
            context.database.dispose()
        finally:
            redis.stop()
            postgres.stop()


def _environment(directory: Path) -> dict[str, str]:
    metrics = directory / "metrics"
    metrics.mkdir()
    return {
        **bare_environment(),
        "DATA_DIR": str(directory),
        "SECRET_KEY": secrets.token_hex(32),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "RATE_LIMIT_SOCKET_CONNECTS": "100000/second",  # what is measured comes after that
    }
