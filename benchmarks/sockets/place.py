"""Owns the shop that the crowd visits: the platform as `make run` starts it, on a directory of its own.

A shop that runs elsewhere is visited as well; then its processes are not known, and nobody restarts them.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import config
from benchmarks.machine import descendants
from benchmarks.settings import CannotRush, admin_credentials
from benchmarks.sockets.settings import CannotMeasure, CrowdSettings
from deploy.children import launch

START_S: Final = 120.0
STOP_S: Final = 40.0
TAIL: Final = 4000  # characters of the platform's output that are shown
KEPT: Final = ("PATH", "HOME", "LANG", "TMPDIR", "CLAIM_SIZE")  # the rest would make it another shop
GROUPS: Final = {"gunicorn": "web", "-Q drain": "drain", "celery": "background", "redis-server": "redis"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the shop is and who its admin is; of an own one also what was started."""

    url: str
    email: str
    password: str
    data_dir: Path
    supervisor: int = 0  # the id of the process that runs it; 0 for a shop that runs elsewhere

    @property
    def is_own(self) -> bool:
        """Whether it was started for this run."""
        return self.supervisor > 0

    def groups(self) -> dict[str, set[int]]:
        """Its processes, by what they are."""
        found: dict[str, set[int]] = {}
        if self.is_own:
            for pid in descendants(self.supervisor):
                command = _command_of(pid)
                name = next((group for word, group in GROUPS.items() if word in command), "")
                if name or "postgres" in command:
                    found.setdefault(name or "postgres", set()).add(pid)
        return found

    def restart_web(self) -> set[int]:
        """Replace all web processes as an operator does, by a hang-up signal; returns those that go."""
        web = self.groups()["web"]
        master = next(pid for pid in web if _parent_of(pid) not in web)
        os.kill(master, signal.SIGHUP)
        return web - {master}


@contextlib.contextmanager
def open_place(settings: CrowdSettings) -> Iterator[Place]:
    """The shop at the given URL, else one that is started now and taken away at the end.

    An own shop's environment becomes this process' own: the shop's command line is led there.

    Raises:
        CannotMeasure: there is nobody to log in as, or the platform does not come up.
    """
    if settings.url:
        platform = config.load_settings()
        try:
            yield Place(settings.url, *admin_credentials(platform), platform.data_dir)
        except CannotRush as error:
            raise CannotMeasure(str(error)) from error
        return
    with tempfile.TemporaryDirectory(prefix="crowd-") as folder:
        directory = Path(folder) / "data"
        environment = _environment(settings, directory)
        os.environ.clear()
        os.environ.update(environment)
        with (Path(folder) / "output").open("w+b") as output:
            running = launch(
                [sys.executable, "-m", "deploy.run"],
                death_signal=signal.SIGTERM,
                output=output,
                directory=config.ROOT,
                environment=environment,
            )
            try:
                _await_ready(running, Path(folder) / "output")
                admin = json.loads((directory / "admin.json").read_text())
                url = f"http://127.0.0.1:{settings.port}"
                yield Place(url, admin["email"], admin["password"], directory, running.pid)
            finally:
                _stop(running)


def _environment(settings: CrowdSettings, directory: Path) -> Mapping[str, str]:
    return {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        "DATA_DIR": str(directory),
        "PORT": str(settings.port),
        "WEB_PROCESSES": str(settings.web_processes),
        "WORKER_PROCESSES": str(settings.worker_processes),
    }


def _await_ready(running: subprocess.Popen[bytes], output: Path) -> None:
    until = time.monotonic() + START_S
    while "Password" not in (said := output.read_text(errors="replace")):
        if running.poll() is not None or time.monotonic() > until:
            raise CannotMeasure(f"The platform did not come up.\n{said[-TAIL:]}")
        time.sleep(0.1)


def _stop(running: subprocess.Popen[bytes]) -> None:
    """End it in order, or at once where it does not obey; its children are tied to its life."""
    if running.poll() is None:
        running.terminate()
    try:
        running.wait(STOP_S)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
