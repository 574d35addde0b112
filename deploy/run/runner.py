"""Runs the processes of a Procfile: prints their output, restarts those that die, stops them all."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from deploy.children import launch
from deploy.run.backoff import Backoff
from deploy.run.output import LineBuffer, Output
from deploy.run.stopping import Stopping

TURN_S: Final = 1.0  # between two turns at rest; a signal, a death and what is said wake it
HURRIED_S: Final = 0.1  # while something is to be started again
GRACE_S: Final = 15.0  # between the signal to stop and the kill
READ_BYTES: Final = 65_536


class ReleaseFailed(Exception):
    """The release command did not succeed; nothing else was started."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process to run: the `instance`-th of the Procfile's `name`, counted from 1."""

    name: str
    instance: int
    command: str
    directory: Path

    @property
    def label(self) -> str:
        """How the process is called in the output and in its own PROCESS_NAME."""
        return f"{self.name}.{self.instance}"


class Running:
    """A spec and its process, which is another one after each restart."""

    def __init__(self, spec: ProcessSpec, environment: Mapping[str, str]) -> None:
        self.spec = spec
        self.backoff = Backoff()
        self.lines = LineBuffer()
        self._environment = {**environment, "PROCESS_NAME": spec.label, "INSTANCE": str(spec.instance)}
        self.process = self._launch()

    @property
    def pipe(self) -> IO[bytes]:
        """Where the process' output is read."""
        return cast("IO[bytes]", self.process.stdout)

    def restart(self) -> None:
        """Start the process once more."""
        self.process = self._launch()
        self.backoff.started()

    def ended(self) -> int | None:
        """The exit code of a process that ended; its children are swept away before it is forgotten.

        A group signal is safe here and only here: the main process is gone, so that it waits for no child.
        """
        process = self.process
        if process.returncode is None and _has_ended(process.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return process.returncode

    def _launch(self) -> subprocess.Popen[bytes]:
        # If this process dies at once, the servers die with it: nothing is worth finishing then.
        process = launch(
            ["/bin/sh", "-c", f"exec {self.spec.command}"],
            death_signal=signal.SIGKILL,
            output=subprocess.PIPE,
            directory=self.spec.directory,
            environment=self._environment,
        )
        os.set_blocking(cast("IO[bytes]", process.stdout).fileno(), False)
        return process


class Runner:
    """Runs processes, prints what they say, starts again those that die, and stops them all.

    Everything happens in the caller's thread, in `turn`, `run_release` and `stop`.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        output: Output,
        stopping: Stopping,
        grace_s: float = GRACE_S,
    ) -> None:
        self._environment = child_environment(environment)
        self._output = output
        self._stopping = stopping
        self._grace_s = grace_s
        self._selector = selectors.DefaultSelector()
        self._selector.register(stopping.wakes, selectors.EVENT_READ)
        self._running: list[Running] = []

    @property
    def pids(self) -> dict[str, int]:
        """The ids of the processes that run now, by label."""
        return {each.spec.label: each.process.pid for each in self._alive()}

    def run_release(self, spec: ProcessSpec) -> None:
        """Run a command to its end, unless told to stop.

        Raises:
            ReleaseFailed: it failed.
        """
        release = self._add(spec)
        while release.ended() is None and not self._stopping.is_asked:
            self._read_outputs()
        self.stop()
        code = release.process.returncode
        if code and not self._stopping.is_asked:
            raise ReleaseFailed(f"{spec.name} ended with {_told(code)}; nothing was started.")

    def start(self, specs: Sequence[ProcessSpec]) -> None:
        """Start the processes."""
        for spec in specs:
            self._add(spec)

    def turn(self, *, is_hurried: bool = False) -> None:
        """Print what was said, and restart what died; takes a second at most, in a hurry a tenth of one."""
        self._read_outputs(is_hurried=is_hurried)
        for each in self._running:
            if each.backoff.is_waiting:
                if each.backoff.is_due:
                    each.restart()
                    self._watch(each)
            elif (code := each.ended()) is not None:
                self._finish(each)
                delay_s = each.backoff.died()
                self._output.say(f"{each.spec.label} ended with {_told(code)}; again in {delay_s:.1f} s")

    def stop(self) -> None:
        """Ask each process to stop, wait for the grace period, then kill those that are left."""
        for each in self._alive():
            each.process.terminate()
        deadline = time.monotonic() + self._grace_s
        while self._alive() and time.monotonic() < deadline and not self._stopping.is_pressed:
            self._read_outputs()
        for each in self._alive():
            self._output.say(f"{each.spec.label} did not stop; killed")
            each.process.kill()
        while self._alive():
            self._read_outputs()
        for each in self._running:
            self._finish(each)
        self._running.clear()

    def _add(self, spec: ProcessSpec) -> Running:
        running = Running(spec, self._environment)
        self._running.append(running)
        self._watch(running)
        return running

    def _watch(self, each: Running) -> None:
        self._selector.register(each.pipe, selectors.EVENT_READ, each)

    def _alive(self) -> list[Running]:
        return [each for each in self._running if each.ended() is None]

    def _read_outputs(self, *, is_hurried: bool = False) -> None:
        is_hurried = is_hurried or any(each.backoff.is_waiting for each in self._running)
        for key, _ in self._selector.select(HURRIED_S if is_hurried else TURN_S):
            if key.data is None:
                self._stopping.note_wake()
            else:
                self._read(key.data)

    def _read(self, each: Running) -> None:
        try:
            data = os.read(each.pipe.fileno(), READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(each.pipe)
        self._print(each, each.lines.feed(data))

    def _finish(self, each: Running) -> None:
        """Print the last words of a process that ended."""
        while not each.pipe.closed and each.pipe.fileno() in self._selector.get_map():
            before = each.pipe.fileno()
            try:
                data = os.read(before, READ_BYTES)
            except BlockingIOError:
                data = b""
            self._print(each, each.lines.feed(data))
            if not data:
                self._selector.unregister(each.pipe)
        self._print(each, each.lines.flush())
        each.pipe.close()

    def _print(self, each: Running, lines: Sequence[bytes]) -> None:
        for line in lines:
            self._output.line(each.spec.label, line)


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment that every process gets: this interpreter's programs come first."""
    programs = str(Path(sys.executable).parent)
    path = os.pathsep.join(filter(None, (programs, environment.get("PATH", os.defpath))))
    return {**environment, "PATH": path, "PYTHONUNBUFFERED": "1"}


def _has_ended(pid: int) -> bool:
    """Whether a child ended; it stays a zombie, so that its id is nobody else's yet."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _told(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
