"""Lets one supervisor at a time run on a data directory."""

import fcntl
import json
import os
from pathlib import Path
from typing import Final

NAME: Final = "lock"


class AlreadyRunning(Exception):
    """Another supervisor runs on the data directory."""


class RunLock:
    """Holds `DATA_DIR/lock` until this process ends, however it ends."""

    def __init__(self, data_dir: Path) -> None:
        """Take the lock.

        Raises:
            AlreadyRunning: somebody has it; the message says which process, and where.
        """
        self._path = data_dir / NAME
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise AlreadyRunning(f"{data_dir} is in use already: {_told(self._path)}.") from None
        os.ftruncate(self._descriptor, 0)

    def tell(self, url: str) -> None:
        """Write down which process runs here, for the error message of a second one."""
        word = json.dumps({"pid": os.getpid(), "url": url}).encode()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, word, 0)

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._descriptor)


def _told(path: Path) -> str:
    try:
        word = json.loads(path.read_text())
        return f"process {word['pid']} serves {word['url']}"
    except (ValueError, KeyError):
        return "another start is under way"
