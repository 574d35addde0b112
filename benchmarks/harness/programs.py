"""Python programs of this project, under names over one folder: started, heard, signalled and ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import config
from benchmarks.harness.failures import PlatformFailed
from benchmarks.harness.processes import stop
from deploy.children import launch

# What programs need of this machine; whatever else its environment says would make it another shop.
KEPT: Final = ("PATH", "HOME", "LANG", "TMPDIR", "CLAIM_SIZE")
POLL_S: Final = 0.02
TAIL: Final = 4000  # characters of a log that are shown


def bare_environment() -> dict[str, str]:
    """What of this process's environment programs are given."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


class Programs:
    """Each is a session of its own that cannot outlive this process, and has a log of what it said."""

    def __init__(self, place: Path, environment: Mapping[str, str]) -> None:
        self.place = place
        self._environment = environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def environment(self, **more: str) -> dict[str, str]:
        """What a program of these is given."""
        return {**self._environment, **more}

    def launch(
        self,
        name: str,
        words: Sequence[str],
        more: Mapping[str, str] | None = None,
        *,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> "subprocess.Popen[bytes]":
        """Start `python -m …` under a name, with a fresh log, without waiting for anything."""
        with self.path_of_log(name).open("wb") as log:
            running = self._running[name] = launch(
                [sys.executable, "-m", *words],
                death_signal=death_signal,
                output=log,
                directory=config.ROOT,
                environment=self.environment(**(more or {})),
            )
        return running

    def await_true(self, claim: Callable[[], bool], name: str, timeout_s: float) -> None:
        """Poll until a claim holds.

        Raises:
            PlatformFailed: it does not in time; with what the named program has said.
        """
        until = time.monotonic() + timeout_s
        while not claim():
            if time.monotonic() > until:
                raise PlatformFailed(f"{name} did not do its work in {timeout_s:.0f} s.\n{self.tail(name)}")
            time.sleep(POLL_S)

    def await_word(self, name: str, word: str, timeout_s: float) -> None:
        """Wait until a program says a word.

        Raises:
            PlatformFailed: it ends before, or does not in time.
        """
        self.await_true(lambda: word in self.log(name) or not self.is_running(name), name, timeout_s)
        if not self.is_running(name):
            raise PlatformFailed(f"{name} did not come up.\n{self.tail(name)}")

    def is_running(self, name: str) -> bool:
        """Whether a program was started and has not ended."""
        return name in self._running and self._running[name].poll() is None

    def hold(self, name: str) -> None:
        """Have a program stand still, with all of its session."""
        os.killpg(self._running[name].pid, signal.SIGSTOP)

    def let_go(self, name: str) -> None:
        """Let it go on."""
        os.killpg(self._running[name].pid, signal.SIGCONT)

    def stop(self, name: str) -> None:
        """End a program in order; one that stands still goes on first, so as to hear it."""
        running = self._running.pop(name)
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGCONT)
        stop(running)

    def close(self) -> None:
        """End all."""
        for name in list(self._running):
            self.stop(name)

    def log(self, name: str) -> str:
        """What a program has said since its last start."""
        return self.path_of_log(name).read_text(errors="replace")

    def tail(self, name: str) -> str:
        """The end of that."""
        return self.log(name)[-TAIL:]

    def path_of_log(self, name: str) -> Path:
        """Where it is written."""
        return self.place / f"{name}.log"
