"""A Redis, its replica and three sentinels, of the machine's own packages, on loopback."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from redis.sentinel import Sentinel

from deploy.embedded.redis import DURABLE
from tests.support.polling import eventually

SERVICE: Final = "shop"
DOWN_AFTER_MS: Final = 1_000


def require_sentinel() -> str:
    """Find the program; skip without it, or fail where CI_ENGINES=1 says that it must be there."""
    found = shutil.which("redis-sentinel")
    if found is None:
        (pytest.fail if os.environ.get("CI_ENGINES") == "1" else pytest.skip)(
            "there is no redis-sentinel here"
        )
    return found


class Program:
    """A server of the test's own; `freeze` stops it from running without closing anything."""

    def __init__(self, command: list[str], place: Path, port: int) -> None:
        self.port = port
        self._command = command
        self._log_path = place / f"{port}.log"
        self.client: Any = redis.Redis(port=port, decode_responses=True, socket_timeout=2)
        self.start()

    def start(self) -> None:
        """Run it, for the first time or after it was killed."""
        self._log = self._log_path.open("ab")
        self._process = subprocess.Popen(self._command, stdout=self._log, stderr=self._log)
        eventually(self._answers)

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except (redis.RedisError, OSError):
            return False


class Watched:
    """A master with one replica behind three sentinels. `kill` everything at the end."""

    def __init__(self, place: Path) -> None:
        self._place = place
        require_sentinel()
        self.servers = [self._redis("a"), self._redis("b")]
        self.servers[1].client.replicaof("127.0.0.1", self.servers[0].port)
        eventually(self.is_in_step)
        self.sentinels = [self._sentinel(name) for name in ("x", "y", "z")]
        eventually(lambda: all(self._knows_all(one) for one in self.sentinels))

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}/0"

    @property
    def master(self) -> Program:
        make: Any = Sentinel
        port = make([("127.0.0.1", one.port) for one in self.sentinels]).discover_master(SERVICE)[1]
        return next(one for one in self.servers if one.port == port)

    @property
    def replica(self) -> Program:
        master = self.master
        return next(one for one in self.servers if one is not master)

    def is_in_step(self) -> bool:
        """Whether the replica has all that the master has."""
        told = [one.client.info("replication") for one in self.servers]
        master, replica = sorted(told, key=lambda one: str(one["role"]))
        return bool(
            replica.get("master_link_status") == "up"
            and replica["slave_repl_offset"] == master["master_repl_offset"]
        )

    def cut_off_replica(self) -> None:
        """From here on the replica gets nothing more, and lives: its master would not know it."""
        replica = self.replica.client
        replica.config_set("masteruser", "nobody")
        replica.config_set("masterauth", "wrong")
        replica.execute_command("CLIENT", "KILL", "TYPE", "master")
        eventually(lambda: replica.info("replication")["master_link_status"] == "down")

    def fail_over(self) -> float:
        """Kill the master and wait until another is known; returns after how many seconds."""
        old, began = self.master, time.monotonic()
        old.kill()
        eventually(lambda: self._is_another(old))
        return time.monotonic() - began

    def take_back(self, old: Program) -> None:
        """Start one that was killed as the replica of the master of now; sentinels take ten seconds to."""
        master = self.master
        old.start()
        old.client.replicaof("127.0.0.1", master.port)

    def _is_another(self, old: Program) -> bool:
        try:
            return self.master is not old
        except redis.ConnectionError:
            return False

    def kill(self) -> None:
        """End all of them."""
        for one in (*self.sentinels, *self.servers):
            one.thaw()
            one.kill()

    def _redis(self, name: str) -> Program:
        folder, port = self._place / name, free_port()
        folder.mkdir()
        settings = {
            **DURABLE,
            "port": str(port),
            "bind": "127.0.0.1",
            "dir": str(folder),
            "repl-diskless-sync-delay": "0",
        }
        options = [word for key, value in settings.items() for word in (f"--{key}", value)]
        return Program([shutil.which("redis-server") or "redis-server", *options], self._place, port)

    def _sentinel(self, name: str) -> Program:
        port, file = free_port(), self._place / f"{name}.conf"
        file.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {self._place}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.servers[0].port} 2\n"
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {SERVICE} 5000\n"
        )
        return Program([require_sentinel(), str(file)], self._place, port)

    def _knows_all(self, sentinel: Program) -> bool:
        told = sentinel.client.sentinel_masters().get(SERVICE, {})
        return bool(told.get("num-other-sentinels") == 2 and told.get("num-slaves") == 1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
