"""The platform as its user starts it, on a place of its own, and what tests ask of it."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.error import URLError
from urllib.request import Request, urlopen

from benchmarks.harness.platform import Platform
from benchmarks.harness.processes import Process, family_of, runs
from benchmarks.harness.programs import bare_environment
from config import ROOT
from deploy.embedded import EmbeddedPostgres, EmbeddedRedis
from deploy.embedded.places import make_data_dir
from tests.support.polling import eventually

END_S: Final = 60.0
RUSH_S: Final = 180
DEADLINE_S: Final = 600  # ends a program that hangs; it times nothing


def run(
    module: str, *words: str, environment: Mapping[str, str] = MappingProxyType({}), code: int = 0
) -> str:
    """Run a program of the project to its end, which must be with this code; returns what it said."""
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        env={**bare_environment(), **environment},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def interrupt(
    module: str, *words: str, output: Path, environment: Mapping[str, str], when: Callable[[], bool]
) -> None:
    """Start a program and press Ctrl-C when it is under way: nobody whom it started is left."""
    with output.open("wb") as file:
        program = subprocess.Popen(
            [sys.executable, "-u", "-m", module, *words],
            cwd=ROOT,
            env={**bare_environment(), **environment},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    family: list[Process] = []
    try:
        eventually(when, DEADLINE_S, told=output.read_text)
        family = family_of(program.pid)
        assert len(family) > 5
    finally:
        program.send_signal(signal.SIGINT)
        code = program.wait(DEADLINE_S)
    assert code == 130, output.read_text()
    eventually(lambda: not any(runs(one.pid) for one in family))


class StartedPlatform(Platform):
    """`python -m deploy.run` in a directory of its own; started, stopped, and started again."""

    def __init__(self, **settings: str) -> None:
        place = Path(tempfile.mkdtemp(prefix="fs-run-", dir="/tmp"))
        super().__init__(place, {"WEB_PROCESSES": "2", "WORKER_PROCESSES": "2", **settings})

    def remove(self) -> None:
        """End it whatever its state, and remove what it wrote."""
        self._family |= self.pids()
        self.close()
        eventually(lambda: not self.left_behind(), END_S)
        shutil.rmtree(self.place, ignore_errors=True)

    def rush(self, **environment: str) -> tuple["subprocess.Popen[bytes]", Path]:
        """Send a crowd, without waiting for it; its report will be in the file, its words in `rush.log`."""
        report = self.place / "rush.json"
        report.unlink(missing_ok=True)
        with self.path_of_log("rush").open("wb") as output:
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

    def open_lobby(self, *, opens_in_s: float, units: int = 1000) -> str:
        """Put up a sale whose lobby is open, and which opens by itself; returns its id."""
        token, now = self.admin_token(), datetime.now(UTC)
        thing = {"name": "Lamp", "description": "", "list_price": {"amount_minor": 999, "currency": "USD"}}
        product = self.post("/api/v1/products", thing, token)
        times = {
            "lobby_opens_at": now - timedelta(minutes=1),
            "opens_at": now + timedelta(seconds=opens_in_s),
            "closes_at": now + timedelta(hours=1),
        }
        sale = {
            "product_id": product["id"],
            "allocation": units,
            "price": {"amount_minor": 500, "currency": "USD"},
            **{name: at.isoformat() for name, at in times.items()},
        }
        return str(self.post("/api/v1/sales", sale, token)["id"])

    def admin_token(self) -> str:
        """Log in with the credentials that it left for its admin."""
        email, password = self.admin_account()
        return str(self.post("/api/v1/auth/login", {"email": email, "password": password})["access_token"])


@contextmanager
def servers_alone(platform: StartedPlatform) -> Iterator[tuple[EmbeddedPostgres, EmbeddedRedis]]:
    """Run only the two servers of a platform that does not run."""
    place = make_data_dir(platform.data_dir)
    postgres, redis = EmbeddedPostgres(place), EmbeddedRedis(place)
    try:
        postgres.start()
        redis.start()
        yield postgres, redis
    finally:
        redis.stop()
        postgres.stop()
