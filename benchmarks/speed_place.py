"""Owns the place where speed is measured: its own servers in a directory of its own, empty at each start.

The servers are those of `make run`, as durable as there; every setting has its default.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import text

from config import ROOT, load_settings
from deploy.children import launch
from deploy.embedded import EmbeddedPostgres, EmbeddedRedis, write_servers_file
from models.migrate import upgrade
from models.tables.rows import metadata
from tasks.context import Context, build_context

# Whatever else the environment says would make it another shop than the one that is described.
KEPT: Final = ("PATH", "HOME", "LANG", "TMPDIR", "CLAIM_SIZE")
SPARED: Final = frozenset({"users", "token_families", "ledger_identity"})
STOP_S: Final = 20.0
POLL_S: Final = 0.01
TAIL: Final = 4000  # characters of a log that are shown

Shopper = tuple[str, str]  # user id, access token


class CannotMeasure(RuntimeError):
    """The benchmark could not be carried out, or what was measured is not what it claims to be."""


@dataclass(frozen=True, slots=True)
class Place:
    """Servers under a directory, the environment that leads processes to them, a context over them."""

    directory: Path
    environment: Mapping[str, str]
    context: Context

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
        with self._log(name).open("ab") as log:
            running = launch(
                [sys.executable, "-m", *command],
                death_signal=signal.SIGKILL,
                output=log,
                directory=ROOT,
                environment={**self.environment, "PROCESS_NAME": name, **environment},
            )
        try:
            yield running
        finally:
            stop(running)

    def run(self, name: str, command: Sequence[str], *, timeout_s: float) -> None:
        """Run a Python program to its end.

        Raises:
            CannotMeasure: it fails, or takes longer than that.
        """
        with self.process(name, command) as running:
            self.await_true(lambda: running.poll() is not None, name, timeout_s)
        if running.returncode != 0:
            raise CannotMeasure(f"{name} failed.\n{self.log_tail(name)}")

    def await_true(self, claim: Callable[[], bool], name: str, timeout_s: float) -> None:
        """Poll until a claim holds.

        Raises:
            CannotMeasure: it does not in time; with what the named process has said.
        """
        until = time.monotonic() + timeout_s
        while not claim():
            if time.monotonic() > until:
                raise CannotMeasure(
                    f"{name} did not do its work in {timeout_s:.0f} s.\n{self.log_tail(name)}"
                )
            time.sleep(POLL_S)

    def log_tail(self, name: str) -> str:
        """The end of what a process has said."""
        return self._log(name).read_text(errors="replace")[-TAIL:]

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"


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


def stop(running: subprocess.Popen[bytes]) -> None:
    """End a process in order, or at once where it does not obey."""
    if running.poll() is None:
        running.terminate()
    try:
        running.wait(STOP_S)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


def _environment(directory: Path) -> dict[str, str]:
    metrics = directory / "metrics"
    metrics.mkdir()
    return {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        "DATA_DIR": str(directory),
        "SECRET_KEY": secrets.token_hex(32),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "RATE_LIMIT_SOCKET_CONNECTS": "100000/second",  # what is measured comes after that
    }
