"""Owns the platform under test: its own directory, its own port, its own processes, and their end."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import config
from benchmarks.crowd_tokens import read_tokens
from benchmarks.http_wire import Target
from benchmarks.shop import Shop
from deploy.children import launch
from deploy.run.procfile import read_procfile
from models.database import Database
from tests.chaos.history import Recorder
from tests.chaos.postman import Postman
from tests.chaos.processes import Process, family_of, send
from tests.chaos.schedule import SET_BY_S
from tests.chaos.stores import Stores
from tests.support.set_clock import SetClock, can_set_clocks

READY_S: Final = 90.0
STOP_S: Final = 45.0
WORKERS: Final = 2
PATIENCE_S: Final = 3  # of payments: then a charge is ended, where that can be
BEGINS_AT_S: Final = -SET_BY_S[1]  # clocks are never set further back, lest a log-in be of the future


class PlatformFailed(RuntimeError):
    """The platform did not come up: nothing was learnt."""


class Platform:
    """One `python -m deploy.run`, which cannot outlive the soak."""

    def __init__(self, place: Path, recorder: Recorder) -> None:
        self.data_dir = place / "data"
        self.log = place / "platform.log"
        self.target = Target("127.0.0.1", _free_port())
        self.postman = Postman(self.target, recorder)
        self.stores = Stores(self.data_dir)
        self._place = place
        self._clock = SetClock(place) if can_set_clocks() else None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What the platform's processes get. Limits are off: the soak is about faults, not about crowds."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **kept,
            "DATA_DIR": str(self.data_dir),
            "HOST": self.target.host,
            "PORT": str(self.target.port),
            "WORKER_PROCESSES": str(WORKERS),
            "WEB_PROCESSES": "2",
            "RATE_LIMIT_ENABLED": "false",
            "ACCESS_TOKEN_SECONDS": "86400",
            "LOG_LEVEL": "WARNING",
            "SANDBOX_WEBHOOK_URL": self.postman.url,
            "PAYMENT_PATIENCE_SECONDS": str(PATIENCE_S),
        }

    def start(self) -> None:
        """Start it, and wait until it serves.

        Raises:
            PlatformFailed: it ended, or was not ready in time.
        """
        self.postman.start()
        self.set_clock(BEGINS_AT_S)
        with self.log.open("wb") as output:
            self._process = launch(
                [sys.executable, "-m", "deploy.run", "--scale", "", "--procfile", str(self._procfile())],
                death_signal=signal.SIGTERM,
                output=output,
                directory=config.ROOT,
                environment=self.environment,
            )
        deadline = time.monotonic() + READY_S
        while "Password  " not in self.log.read_text(errors="replace"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise PlatformFailed(self.log.read_text(errors="replace")[-4000:])
            time.sleep(0.1)

    def stop(self) -> None:
        """Take everything down; whoever was stopped goes on first, so as to hear it."""
        self.postman.stop()
        if self._process is None:
            return
        self.resume_all()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def set_clock(self, ahead_s: int) -> bool:
        """Set the clock of all processes but the servers'; says whether that can be done here."""
        if self._clock is None:
            return False
        self._clock.set(ahead_s)
        return True

    def family(self) -> list[Process]:
        """List its processes."""
        return family_of(self._process.pid) if self._process is not None else []

    def resume_all(self) -> None:
        """Let every stopped process go on, and every webhook. Clocks stay as they are set."""
        self.postman.calm()
        for process in self.family():
            send(process, signal.SIGCONT)

    def database(self) -> Database:
        """Make a way to its database, for reading."""
        said = json.loads((self.data_dir / "servers.json").read_text())
        return Database(said["database_url"], pool_size=1, application_name="soak")

    def admin(self, *, patience_s: float) -> Shop:
        """Log in as the admin."""
        said = json.loads((self.data_dir / "admin.json").read_text())
        shop = Shop(self.target, patience_s=patience_s)
        shop.log_in(said["email"], said["password"])
        return shop

    def admin_token(self) -> str:
        """Get an access token of the admin's, for as long as a soak may take."""
        said = json.loads((self.data_dir / "admin.json").read_text())
        shop = Shop(self.target, patience_s=30)
        token = shop.expect(200, "POST", "/api/v1/auth/login", said)["access_token"]
        return str(token)

    def _procfile(self) -> Path:
        known = config.ROOT / "Procfile"
        if self._clock is None:
            return known
        path = self._place / "Procfile"
        path.write_text(set_ahead(read_procfile(known).commands, config.ROOT, self._clock.environment))
        return path

    def crowd(self, count: int, ttl_s: int) -> list[tuple[str, str]]:
        """Make shoppers: (user's id, access token).

        Raises:
            PlatformFailed: the command line refuses.
        """
        path = self.data_dir / "crowd-tokens"
        command = [sys.executable, "-m", "flask", "--app", "web", "users", "crowd"]
        command += ["--count", str(count), "--tokens", str(path), "--ttl", str(ttl_s)]
        done = subprocess.run(
            command,
            cwd=config.ROOT,
            env=self.environment | (self._clock.environment if self._clock else {}),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise PlatformFailed(done.stderr[-2000:])
        return read_tokens(path.read_text(), count)


def set_ahead(commands: Mapping[str, str], root: Path, variables: Mapping[str, str]) -> str:
    """Write a Procfile of the same commands, run in a directory and with these variables more."""
    words = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    prefix = f"env -C {shlex.quote(str(root))} {words}"
    return "".join(f"{name}: {prefix} {command}\n" for name, command in commands.items())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
