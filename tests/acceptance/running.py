"""Owns the platform as its user starts it: the true supervisor and Procfile, on a place of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import Request, urlopen

from config import ROOT
from tests.integration.embedded_run import children_of, free_port, runs
from tests.support.polling import eventually

START_S: Final = 90.0
END_S: Final = 60.0
RUSH_S: Final = 180


class Platform:
    """`python -m deploy.run` on a data directory; started, stopped, and started again."""

    def __init__(self, **settings: str) -> None:
        self._settings = settings
        self.data_dir = Path(tempfile.mkdtemp(prefix="fs-run-", dir="/tmp"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.family: set[int] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def text(self) -> str:
        """All that it printed since its last start."""
        return (self.data_dir / "output").read_text()

    def start(self) -> None:
        """Start it, and wait until it says that the shop is ready."""
        self.process = self.launch(self.data_dir / "output")
        eventually(lambda: "Password" in self.text or not self.is_up, START_S, told=lambda: self.text)
        assert self.is_up, self.text
        self.family = children_of(self.process.pid)

    def launch(self, output: Path, port: int | None = None) -> subprocess.Popen[bytes]:
        """Start a supervisor on the data directory, without waiting for anything."""
        with output.open("wb") as file:
            return subprocess.Popen(
                [sys.executable, "-m", "deploy.run"],
                cwd=ROOT,
                env=self.environment(PORT=str(port or self.port)),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop it as Ctrl-C does, and wait until it is gone."""
        assert self.process is not None
        self.family |= children_of(self.process.pid)
        self.process.send_signal(number)
        return self.process.wait(END_S)

    def left_behind(self) -> set[int]:
        """The processes of its family that still run."""
        return {pid for pid in self.family if runs(pid)}

    def remove(self) -> None:
        """End it whatever its state, and remove what it wrote."""
        if self.is_up:
            self.end(signal.SIGKILL)
        eventually(lambda: not self.left_behind(), END_S)
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def kill(self, *words: str) -> int:
        """Send SIGKILL to the one process of the family whose command line has all these words."""
        assert self.process is not None
        found = [
            pid for pid in children_of(self.process.pid) if all(word in command_of(pid) for word in words)
        ]
        assert found, words
        os.kill(min(found), signal.SIGKILL)
        return min(found)

    def rush(self, **environment: str) -> tuple["subprocess.Popen[bytes]", Path]:
        """Send a crowd, without waiting for it; its report will be in the file."""
        report = self.data_dir / "rush.json"
        report.unlink(missing_ok=True)
        with (self.data_dir / "rush.log").open("wb") as output:
            crowd = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.rush", "--json", str(report)],
                cwd=ROOT,
                env=self.environment(**environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return crowd, report

    def get(self, path: str, token: str | None = None) -> Any:
        """Ask the shop; None while it does not answer."""
        request = Request(self.url + path, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310
        try:
            with urlopen(request, timeout=5) as answer:  # noqa: S310
                return json.loads(answer.read())
        except (URLError, TimeoutError, ConnectionError):
            return None

    def post(self, path: str, body: dict[str, Any], token: str | None = None) -> Any:
        """Send something to the shop; raises what urllib raises."""
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        request = Request(self.url + path, json.dumps(body).encode(), headers)  # noqa: S310
        with urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.loads(answer.read())

    def admin_token(self) -> str:
        """Log in with the credentials that it left for its admin."""
        admin = json.loads((self.data_dir / "admin.json").read_text())
        return str(self.post("/api/v1/auth/login", admin)["access_token"])

    def environment(self, **more: str) -> dict[str, str]:
        """An environment that knows nothing of the machine but what programs need."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        place = {"DATA_DIR": str(self.data_dir), "PORT": str(self.port)}
        return {**kept, **place, "WEB_PROCESSES": "2", "WORKER_PROCESSES": "2", **self._settings, **more}


def command_of(pid: int) -> str:
    """The command line of a process; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""
