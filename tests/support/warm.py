"""Celery's processes without the two seconds of their imports: forked from a process that has done them.

Each is a process of its own, with a session, an environment and an output of its own, which runs to its end
what `python -m celery …` would. Where it is forked, there are no threads or connections, and `workers.app`,
which reads the environment, is not imported yet. It can be signalled and waited for like a `Popen`, and dies
with the test run. That the command lines work from the beginning, the tests of the whole platform show.
"""

import atexit
import ctypes
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

from config import ROOT

MESSAGE: Final = 65_536  # bytes, at most
POLL_S: Final = 0.01
PR_SET_PDEATHSIG: Final = 1
FROM_THE_BEGINNING: Final = ("PATH", "LD_PRELOAD", "SET_CLOCK_FILE")  # what comes too late after the fork
IMPORTED: Final = (
    *("celery.bin.celery", "celery.apps.beat", "celery.apps.worker", "kombu.transport.redis"),
    *("tasks.celery_tasks", "tasks.figures.page", "workers.beat", "workers.consumer", "workers.heartbeat"),
    *("workers.own_redis", "workers.schedule", "workers.stand_in", "workers.timer", "workers.watchdog"),
)


class Forker:
    """The process that forks, for the one that has it do so."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        atexit.register(self.close)

    def ask(self, question: dict[str, Any], *files: int) -> Any:
        """Ask it something, and hear the answer."""
        socket.send_fds(self._channel, [json.dumps(question).encode()], files)
        return json.loads(self._channel.recv(MESSAGE))

    def close(self) -> None:
        """End it, and with it all that it has forked."""
        self._channel.close()
        self._process.wait()


class Forked:
    """A process, with what of a `subprocess.Popen` is asked for."""

    def __init__(self, forker: Forker, pid: int) -> None:
        self.pid = pid
        self._forker = forker
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code once it has ended, which is negative if a signal ended it."""
        if self._code is None:
            self._code = self._forker.ask({"pid": self.pid})
        return self._code

    def wait(self, timeout_s: float) -> int:
        """Wait for that."""
        until = time.monotonic() + timeout_s
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout_s)
            time.sleep(POLL_S)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is there."""
        if self.poll() is None:
            os.kill(self.pid, number)


def start(command: Sequence[str], environment: Mapping[str, str], output: IO[bytes]) -> Forked:
    """Start `python -m …` in the project's directory."""
    early = tuple((name, environment[name]) for name in FROM_THE_BEGINNING if name in environment)
    forker = _forker(early)
    return Forked(forker, forker.ask({"command": command, "environment": {**environment}}, output.fileno()))


@functools.cache
def _forker(environment: tuple[tuple[str, str], ...]) -> Forker:
    return Forker(dict(environment))


def main(channel: socket.socket) -> None:
    """Fork until nobody is left to ask for it; in a process that was forked, run its command."""
    gc.disable()
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    gc.enable()
    assert len(os.listdir("/proc/self/task")) == 1, "A fork would lack the other threads."
    sys.argv = _fork(channel)
    if sys.argv:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _fork(channel: socket.socket) -> list[str]:
    """Do what is asked for; return what a process that was forked has to run, and nothing at the end."""
    libc, own_id = ctypes.CDLL(None), os.getpid()
    while (message := socket.recv_fds(channel, MESSAGE, 1))[0]:
        asked: dict[str, Any] = json.loads(message[0])
        if "pid" in asked:
            ended, status = os.waitpid(asked["pid"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if ended else None
        elif answer := os.fork():
            os.close(message[1][0])
        else:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            channel.close()
            _become(asked["environment"], message[1][0])
            return asked["command"] if os.getppid() == own_id else []
        channel.send(json.dumps(answer).encode())
    return []


def _become(environment: dict[str, str], output: int) -> None:
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.environ.clear()
    os.environ.update(environment)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
