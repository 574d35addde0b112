"""Starts, watches and stops one embedded server in its directory."""

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

from deploy.children import OWN, Identity, launch
from deploy.embedded.errors import DirectoryInUse, ServerFailed
from deploy.embedded.places import make_data_dir, make_private, open_log

READY_S: Final = 60.0  # a large log may have to be replayed after a crash
STOP_S: Final = 30.0  # before a server that does not stop is killed
POLL_S: Final = 0.02
TAIL_BYTES: Final = 4096


class EmbeddedServer(ABC):
    """A server under `data_dir`, startable again on the same data after it stopped or was killed.

    Start it from a thread that lives as long as the process: the server ends with that thread.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, data_dir: Path | str) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.home = self.data_dir / self.name
        self.identity: Identity = OWN
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The address that clients connect to; known before the server runs."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server serves clients now."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make the directory fit to start on; called while nobody else uses it."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The command line to run, after `_prepare`."""

    @property
    def pid(self) -> int | None:
        """The id of the server's process, while it has one."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> Path:
        """Where the server writes what it has to say."""
        return self.data_dir / "log" / f"{self.name}.log"

    def is_alive(self) -> bool:
        """Whether the process runs, ready or not."""
        return self._process is not None and self._process.poll() is None

    def start(self, timeout_s: float = READY_S) -> None:
        """Start the server, and return when it serves clients.

        Raises:
            ServerFailed: it ended, or was not ready in time; the message carries the end of its log.
        """
        deadline = time.monotonic() + timeout_s
        self._spawn_when_free(deadline)
        try:
            self._await_ready(deadline)
        except BaseException:
            self.kill()
            raise

    def spawn(self) -> None:
        """Start the process without waiting until it is ready.

        Raises:
            DirectoryInUse: a process from before is still there.
        """
        if self.is_alive():
            raise DirectoryInUse(f"This {self.name} runs already, as process {self.pid}.")
        make_data_dir(self.data_dir)
        make_private(self.home)
        log = open_log(self.data_dir, self.name)
        with self._claim() as lock, log.open("ab") as output:
            self._prepare()
            self._process = launch(
                self._command(),
                death_signal=self.stop_signal,
                output=output,
                identity=self.identity,
                keep_open=[lock],
            )

    def stop(self, timeout_s: float = STOP_S) -> None:
        """Stop the server in order; kill it when it does not stop in time."""
        if self._process is None:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End the server like a crash would: at once, without a shutdown."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    @contextlib.contextmanager
    def _claim(self) -> Iterator[int]:
        """A lock that the server and all its children inherit, and that goes when the last of them does.

        Unlike a file with a process id it cannot be stale, and it cannot be fooled by an id used again.
        """
        descriptor = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._lock(descriptor)
            yield descriptor
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DirectoryInUse(f"Another {self.name} still uses {self.home}.") from error

    def _spawn_when_free(self, deadline: float) -> None:
        while True:
            try:
                return self.spawn()
            except DirectoryInUse:
                if self.is_alive() or time.monotonic() > deadline:
                    raise
            time.sleep(POLL_S)

    def _await_ready(self, deadline: float) -> None:
        while not self.answers():
            if not self.is_alive():
                raise ServerFailed(f"The embedded {self.name} ended at its start.\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise ServerFailed(f"The embedded {self.name} did not become ready.\n{self._log_tail()}")
            time.sleep(POLL_S)

    def _log_tail(self) -> str:
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
            return f"The end of {self.log}:\n{file.read().decode(errors='replace')}"
