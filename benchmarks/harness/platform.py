"""The platform, as every tool starts it: all of it by its supervisor, or program by program."""

import json
import os
import shlex
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

import config
from benchmarks.client.admin_api import Shop
from benchmarks.client.http_wire import Target
from benchmarks.harness.processes import Process, command_of, descendants, family_of, free_port, runs, send
from benchmarks.harness.programs import Programs, bare_environment
from deploy.run.procfile import read_procfile

HOST: Final = "127.0.0.1"
START_S: Final = 120.0
END_S: Final = 60.0
SUPERVISOR: Final = "platform"
READY: Final = "Password  "  # the last that a supervisor says once the shop is ready
GROUPS: Final = {
    "gunicorn": "web",
    "-Q drain": "drain",
    "celery": "background",
    "redis-server": "redis",
    "postgres": "postgres",
}


class Platform(Programs):
    """One shop on a port of its own; started, broken, stopped, and started again."""

    def __init__(self, place: Path, settings: Mapping[str, str], *, port: int = 0) -> None:
        self.target = Target(HOST, port or free_port())
        self.data_dir = place / "data"
        self._family: set[int] = set()
        where = {"DATA_DIR": str(self.data_dir), "HOST": HOST, "PORT": str(self.target.port)}
        super().__init__(place, {**bare_environment(), **where, **settings})

    @classmethod
    def over(cls, place: Path, settings: Mapping[str, str]) -> "Platform":
        """One whose programs are started one by one, over stores that run already."""
        (place / "data").mkdir()
        return cls(place, {"WEB_PROCESSES": "1", **settings})

    @property
    def url(self) -> str:
        """Where the shop is."""
        return f"http://{self.target.authority}"

    # All of it.

    def start(self, *options: str) -> None:
        """Start `deploy.run`, and wait until it says that the shop is ready.

        Raises:
            PlatformFailed: it ended, or was not ready in time.
        """
        self.launch(SUPERVISOR, ["deploy.run", *options], death_signal=signal.SIGTERM)
        self.await_word(SUPERVISOR, READY, START_S)
        self._family = self.pids()

    @property
    def is_up(self) -> bool:
        """Whether the supervisor runs."""
        return self.is_running(SUPERVISOR)

    @property
    def text(self) -> str:
        """All that it printed since its last start."""
        return self.log(SUPERVISOR)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop it as Ctrl-C does; returns its exit code."""
        self._family |= self.pids()
        running = self._running.pop(SUPERVISOR)
        running.send_signal(number)
        return running.wait(END_S)

    @property
    def supervisor_pid(self) -> int:
        """The supervisor itself."""
        return self._running[SUPERVISOR].pid

    def pids(self) -> set[int]:
        """The processes that run under the supervisor."""
        return descendants(self._running[SUPERVISOR].pid) if self.is_up else set()

    def family(self) -> list[Process]:
        """The same with their names."""
        return family_of(self._running[SUPERVISOR].pid) if self.is_up else []

    def groups(self) -> dict[str, set[int]]:
        """The same by what they are."""
        found: dict[str, set[int]] = {}
        for pid in self.pids():
            command = command_of(pid)
            if name := next((group for word, group in GROUPS.items() if word in command), ""):
                found.setdefault(name, set()).add(pid)
        return found

    def left_behind(self) -> set[int]:
        """The processes of its last life that still run."""
        return {pid for pid in self._family if runs(pid)}

    def kill(self, *words: str) -> int:
        """Send SIGKILL to the oldest process whose command line has all these words; returns its id."""
        victim = min(pid for pid in self.pids() if all(word in command_of(pid) for word in words))
        os.kill(victim, signal.SIGKILL)
        return victim

    def resume_all(self) -> None:
        """Let every process that stands still go on."""
        for process in self.family():
            send(process, signal.SIGCONT)

    def restart_web(self) -> set[int]:
        """Replace all web processes as an operator does, by a hang-up signal; returns those that go."""
        web = {
            process.pid: process.parent for process in self.family() if process.pid in self.groups()["web"]
        }
        master = next(pid for pid, parent in web.items() if parent not in web)
        os.kill(master, signal.SIGHUP)
        return web.keys() - {master}

    # Its programs, one by one.

    def start_program(self, name: str) -> None:
        """Start one of the Procfile's, and wait until it serves or listens.

        Raises:
            PlatformFailed: it ended, or was not ready in time.
        """
        command = read_procfile(config.ROOT / "Procfile").commands[name].replace("${INSTANCE:-1}", "1")
        self.launch(name, shlex.split(command), {"PROCESS_NAME": name})
        if name == "web":
            self.await_true(self._answers, name, START_S)
        elif " worker " in command:
            self.await_word(name, "ready.", START_S)

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/healthz", timeout=5) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    # What it left for its admin, and for tools.

    def admin_account(self) -> tuple[str, str]:
        """The admin's address and password."""
        said = self._left("admin.json")
        return said["email"], said["password"]

    def admin(self, *, patience_s: float) -> Shop:
        """Log in as the admin.

        Raises:
            CannotMeasure: the shop is not reachable.
        """
        shop = Shop(self.target, patience_s=patience_s)
        shop.log_in(*self.admin_account())
        return shop

    def servers(self) -> dict[str, str]:
        """Where the embedded servers listen."""
        return self._left("servers.json")

    def _left(self, name: str) -> dict[str, Any]:
        said: dict[str, Any] = json.loads((self.data_dir / name).read_text())
        return said
