"""`make run`: one supervisor that brings up the whole platform and takes it down again.

    python -m deploy.run [--procfile FILE] [--scale web=1,worker=4]

The settings come from the environment, see `.env.example`.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from config import ROOT, ConfigurationError, Settings, load_settings
from deploy.address import Address, AddressTaken
from deploy.embedded import EmbeddedError
from deploy.embedded.places import make_data_dir, make_private
from deploy.run.directory_lock import AlreadyRunning, RunLock
from deploy.run.generated_secrets import Admin, keep_admin, keep_secret_key
from deploy.run.output import Output
from deploy.run.procfile import Procfile, ProcfileError, parse_scale, read_procfile, release_spec, specs_of
from deploy.run.readiness import PATIENCE_S, Readiness
from deploy.run.runner import GRACE_S, ProcessSpec, ReleaseFailed, Runner
from deploy.run.servers import Servers
from deploy.run.stopping import Stopping

EXPECTED: Final = (
    AddressTaken,
    AlreadyRunning,
    ConfigurationError,
    EmbeddedError,
    ProcfileError,
    ReleaseFailed,
)


class Supervisor:
    """One run of the platform on one data directory, from the lock to the last process' end."""

    def __init__(self, settings: Settings, procfile: Procfile, specs: Sequence[ProcessSpec]) -> None:
        self._settings = settings
        self._procfile = procfile
        self._specs = specs
        self._address = Address(settings.host, settings.port)
        self._output = Output(sys.stdout.buffer)
        self._stopping = Stopping()

    def run(self) -> None:
        """Bring everything up, keep it up until told to stop, take it down.

        Raises:
            AddressTaken, AlreadyRunning, EmbeddedError, ReleaseFailed: it cannot run; nothing is left behind.
        """
        data_dir = make_data_dir(self._settings.data_dir)
        lock = RunLock(data_dir)
        try:
            self._address.require_free()
            lock.tell(self._address.url)
            keep_secret_key(data_dir, self._settings)
            admin = keep_admin(data_dir, self._settings, self._settings.admin_password or "")
            self._run_with_servers(admin, self._environment(data_dir, admin))
        finally:
            lock.release()

    def _run_with_servers(self, admin: Admin, environment: Mapping[str, str]) -> None:
        servers = Servers(
            self._settings.data_dir,
            self._output,
            database_url=os.environ.get("DATABASE_URL", ""),
            redis_url=os.environ.get("REDIS_URL", ""),
        )
        try:
            servers.start()
            if not self._stopping.is_asked:
                self._run_processes(servers, admin, environment)
        finally:
            servers.stop()

    def _run_processes(self, servers: Servers, admin: Admin, environment: Mapping[str, str]) -> None:
        grace_s = GRACE_S + self._settings.drain_s
        runner = Runner(environment, self._output, self._stopping, grace_s=grace_s)
        try:
            if release := release_spec(self._procfile):
                runner.run_release(release)
            if not self._stopping.is_asked:
                runner.start(self._specs)
                self._keep_up(runner, servers, admin)
        finally:
            runner.stop()

    def _keep_up(self, runner: Runner, servers: Servers, admin: Admin) -> None:
        host, port = self._address.reachable_host, self._settings.port
        readiness = Readiness(host, port, token=self._settings.ops.token)
        readiness.start()
        next_word_at = time.monotonic() + PATIENCE_S
        is_told = False
        while not self._stopping.is_asked:
            runner.turn(is_hurried=not is_told or servers.is_waiting)
            servers.turn()
            if not is_told and readiness.is_ready:
                self._tell(admin)
                is_told = True
            if not is_told and time.monotonic() > next_word_at:
                self._output.say(f"not ready yet: {readiness.last_answer}")
                next_word_at += PATIENCE_S
        readiness.stop()
        self._output.say("stopping; once more Ctrl-C does not wait for anybody")

    def _tell(self, admin: Admin) -> None:
        lines = [
            "",
            f"  Shop      {self._address.url}",
            f"  Admin     {self._address.url}/admin",
            f"  E-mail    {admin.email}",
            f"  Password  {admin.password}",
            "",
        ]
        self._output.plain("\n".join(lines))

    def _environment(self, data_dir: Path, admin: Admin) -> dict[str, str]:
        """What the processes get to know besides what this one was given."""
        metrics = data_dir / "metrics"
        shutil.rmtree(metrics, ignore_errors=True)
        make_private(metrics)
        return {
            **os.environ,
            "DATA_DIR": str(data_dir),
            "HOST": self._settings.host,
            "PORT": str(self._settings.port),
            "ADMIN_EMAIL": admin.email,
            "ADMIN_PASSWORD": admin.password,
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        }


def _scale(settings: Settings, procfile: Procfile, asked: str) -> dict[str, int]:
    """As many workers as the settings say, unless the scale asked for names them."""
    scale = parse_scale(asked)
    if "worker" in procfile.processes:
        scale.setdefault("worker", settings.worker_processes)
    return scale


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.run", description="Run the whole platform.")
    parser.add_argument("--procfile", type=Path, default=ROOT / "Procfile")
    parser.add_argument("--scale", default=os.environ.get("SCALE", ""), help="for example web=1,worker=4")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop. 0 when it ended in order, 1 when it could not run."""
    options = _arguments(arguments)
    try:
        settings = load_settings()
        procfile = read_procfile(options.procfile)
        specs = specs_of(procfile, _scale(settings, procfile, options.scale))
        Supervisor(settings, procfile, specs).run()
    except EXPECTED as error:
        print(error, file=sys.stderr)
        return 1
    return 0
