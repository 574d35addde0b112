"""What the tests of the embedded servers share: waiting for a claim, and a supervisor to send signals to."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.harness.processes import free_port, runs

ROOT: Final = Path(__file__).resolve().parents[2]
DEADLINE_S: Final = 60.0

# Enough of a shop for its supervisor: it answers every question with 200.
WEB: Final = """\
import http.server, os

class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args):
        pass

print("serving", os.environ["PROCESS_NAME"], flush=True)
http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Shop).serve_forever()
"""


def wait_until(claim: Callable[[], bool], told: Callable[[], str] = str) -> None:
    """Poll until `claim` holds; fail with what is `told` when it does not in time."""
    deadline = time.monotonic() + DEADLINE_S
    while not claim():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)


class Supervised:
    """`python -m deploy.run` on a data directory of its own, with a small Procfile."""

    def __init__(self, place: Path, procfile: str = "") -> None:
        self.data_dir = place / "data"
        self.port = free_port()
        self._output = place / "output"
        self._procfile = place / "Procfile"
        (place / "web.py").write_text(WEB)
        self._procfile.write_text(procfile or f"web: python '{place / 'web.py'}'\nworker: sleep 1000\n")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def text(self) -> str:
        """All that it printed."""
        return self._output.read_text()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def launch(self, **environment: str) -> None:
        """Start it without waiting."""
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.run", "--procfile", str(self._procfile), "--scale", ""],
                cwd=ROOT,
                env=self._environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def start(self, **environment: str) -> None:
        """Start it, and wait until it tells where the shop is."""
        self.launch(**environment)
        wait_until(lambda: "Password" in self.text or not runs(self.pid), lambda: self.text)
        assert runs(self.pid), self.text

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal, and wait for its end."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, "DATA_DIR": str(self.data_dir), "PORT": str(self.port), **more}
