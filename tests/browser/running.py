"""Owns the platform as a person meets it: a real web process and a real worker over real stores."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from tests.integration.embedded_run import free_port
from tests.support.contexts import SECRET_KEY
from tests.support.polling import eventually
from tests.support.servers import Stores

ROOT: Final = Path(__file__).resolve().parents[2]
STOP_S: Final = 15
GUNICORN: Final = ("-m", "gunicorn", "-c", "deploy/server/gunicorn.py", "web:create_app()")
WORKER: Final = ("-m", "celery", "-A", "workers.app", "worker", "-P", "solo", "-Q", "drain")
PAYMENTS: Final = (
    "-m",
    "celery",
    "-A",
    "workers.app",
    "worker",
    "-P",
    "threads",
    "-c",
    "4",
    "-Q",
    "payments",
)
BACKGROUND: Final = ("-m", "celery", "-A", "workers.app", "worker", "-P", "solo", "-Q", "background")
BEAT: Final = ("-m", "celery", "-A", "workers.app", "beat")
ALONE: Final = ("--without-gossip", "--without-mingle", "--hostname")


class Platform:
    """The processes, in groups of their own; the web process may be stopped and started again."""

    def __init__(self, stores: Stores, place: Path, **more: str) -> None:
        self.port = free_port()
        self._place = place
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RATE_LIMIT")},
            "DATABASE_URL": stores.postgres.url,
            "REDIS_URL": stores.redis.url,
            "BROKER_URL": stores.broker_url,
            "SECRET_KEY": SECRET_KEY,
            "ENVIRONMENT": "development",
            "DATA_DIR": str(place),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "WEB_PROCESSES": "1",
            "SANDBOX_WEBHOOK_URL": f"{self.url}/api/v1/payments/webhooks/sandbox",
            **more,
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """Where the shop is."""
        return f"http://127.0.0.1:{self.port}"

    def start_web(self) -> None:
        """Start the web process and wait until it answers."""
        self._start("web", GUNICORN)
        eventually(self._answers, told=lambda: self.log("web"))

    def start_worker(self) -> None:
        """Start the worker and wait until it listens."""
        self._start("worker", (*WORKER, *ALONE, "pages@%h"))
        eventually(lambda: "ready." in self.log("worker"), told=lambda: self.log("worker"))

    def start_payments(self) -> None:
        """Start the worker that waits for the payment provider."""
        self._start("payments", (*PAYMENTS, *ALONE, "pay@%h"))
        eventually(lambda: "ready." in self.log("payments"), told=lambda: self.log("payments"))

    def start_background(self) -> None:
        """Start what sees to everything else: the worker of background tasks, and their clock."""
        self._start("background", (*BACKGROUND, *ALONE, "background@%h"))
        self._start("beat", BEAT)
        eventually(lambda: "ready." in self.log("background"), told=lambda: self.log("background"))

    def hold_worker(self) -> None:
        """Let the worker stand still, so that nothing is decided."""
        os.killpg(self._processes["worker"].pid, signal.SIGSTOP)

    def let_worker_go(self) -> None:
        """Let the worker go on."""
        os.killpg(self._processes["worker"].pid, signal.SIGCONT)

    def stop_web(self) -> None:
        """Stop the web process as an operator does."""
        self._stop("web")

    def close(self) -> None:
        """Stop everything."""
        for name in list(self._processes):
            self._stop(name)

    def log(self, name: str) -> str:
        """What a process said."""
        return (self._place / f"{name}.log").read_text()

    def _start(self, name: str, words: tuple[str, ...]) -> None:
        with (self._place / f"{name}.log").open("ab") as log:
            options: dict[str, Any] = {"stdout": log, "stderr": log, "start_new_session": True}
            self._processes[name] = subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, env=self._environment, **options
            )

    def _stop(self, name: str) -> None:
        process = self._processes.pop(name)
        os.killpg(process.pid, signal.SIGCONT)
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/healthz", timeout=5) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False
