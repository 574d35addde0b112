"""Starts child processes that end when this process ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

TETHER: Final = Path(__file__).with_name("embedded") / "tether.py"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a child runs as: `own` (like the parent), `user` (uid and gid), or `namespace`.

    In a `namespace` root is nobody to the program and root to the file system.
    """

    kind: str = "own"
    uid: int = 0
    gid: int = 0

    @property
    def file_owner(self) -> int:
        """The user id that the child's files belong to."""
        return self.uid if self.kind == "user" else os.geteuid()

    @property
    def file_group(self) -> int:
        """The group id that the child's files belong to."""
        return self.gid if self.kind == "user" else os.getegid()


OWN: Final = Identity()


def tethered(
    command: Sequence[str],
    *,
    death_signal: signal.Signals,
    identity: Identity = OWN,
    directory: Path | None = None,
) -> list[str]:
    """The command line that runs `command` so that it gets `death_signal` when this process dies."""
    options: dict[str, Any] = {
        "parent": os.getpid(),
        "signal": int(death_signal),
        "identity": identity.kind,
        "uid": identity.uid,
        "gid": identity.gid,
        "directory": str(directory) if directory else None,
    }
    return [sys.executable, "-I", "-S", str(TETHER), json.dumps(options), *command]


def launch(
    command: Sequence[str],
    *,
    death_signal: signal.Signals,
    output: int | IO[bytes],
    identity: Identity = OWN,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    keep_open: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, tied to the life of the calling thread.

    Neither a terminal's Ctrl-C nor a signal to the process group reaches it: its launcher stops it.
    """
    return subprocess.Popen(
        tethered(command, death_signal=death_signal, identity=identity, directory=directory),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
        pass_fds=keep_open,
    )
