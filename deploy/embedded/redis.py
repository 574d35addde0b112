"""Runs the embedded Redis: durable to the last write, on a Unix socket only."""

import signal
import socket
from pathlib import Path
from typing import ClassVar, Final

from deploy.embedded.binaries import Binary, redis_binaries
from deploy.embedded.errors import NoBinary
from deploy.embedded.places import make_private, require_own, socket_directory
from deploy.embedded.server import EmbeddedServer

SOCKET: Final = "redis.sock"
PROBE_S: Final = 1.0

# What a shop's live state needs: written to disk before any answer, never dropped, never snapshotted instead.
DURABLE: Final = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "save": "",
    "maxmemory-policy": "noeviction",
}


class EmbeddedRedis(EmbeddedServer):
    """A `redis-server` with its append-only file under `data_dir/redis`."""

    name: ClassVar[str] = "redis"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    @property
    def socket_path(self) -> Path:
        """The Unix socket that it listens on."""
        return socket_directory(self.home, SOCKET) / SOCKET

    @property
    def url(self) -> str:
        """The address in redis-py's notation."""
        return f"unix://{self.socket_path}?db=0"

    def answers(self) -> bool:
        """Whether it answers a PING, which it does not while it loads its data."""
        if not self.is_alive():
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(PROBE_S)
            try:
                client.connect(str(self.socket_path))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    def _prepare(self) -> None:
        directory = make_private(self.socket_path.parent)
        require_own(directory, {self.home.stat().st_uid})
        # A socket left behind by a killed server would make the first probes wait for nobody.
        self.socket_path.unlink(missing_ok=True)
        binary = self._choose_binary()
        self._marker.write_text(".".join(str(part) for part in binary.version) + "\n")

    def _command(self) -> list[str]:
        settings = {
            **DURABLE,
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.home),
            "maxclients": "10000",
            "daemonize": "no",
            "loglevel": "notice",
        }
        options = [word for key, value in settings.items() for word in (f"--{key}", value)]
        return [str(self._choose_binary().path), *options]

    @property
    def _marker(self) -> Path:
        return self.home / "REDIS_VERSION"

    def _choose_binary(self) -> Binary:
        """The newest Redis, never an older one than wrote the data.

        From 7.0 on the append-only file is a directory, which an older server does not see: it would start
        empty.
        """
        wrote = self._marker.read_text().strip() if self._marker.exists() else "0"
        needed = tuple(int(part) for part in wrote.split("."))[:2]
        for binary in redis_binaries():
            if binary.version[:2] >= needed:
                return binary
        raise NoBinary(f"Redis {wrote} wrote {self.home}; no redis-server as new as that is here.")
