"""Owns the finding and signalling of a supervisor's processes through /proc; touches nobody else's."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A running process; `label` is the Procfile's (`worker.2`), or a server's program."""

    pid: int
    parent: int
    label: str


def family_of(supervisor: int) -> list[Process]:
    """List what a supervisor started and what those started, youngest generation last."""
    parents = dict(_parents())
    found: list[Process] = []
    generation = {supervisor}
    while generation := {pid for pid, parent in parents.items() if parent in generation}:
        found += [
            Process(pid, parents[pid], label)
            for pid in sorted(generation)
            if (label := _label(pid)) is not None
        ]
    return found


def send(process: Process, number: signal.Signals) -> bool:
    """Send a signal to a process if it is still that process; says whether it was."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        # The handle is held by now, so that the id cannot become somebody else's after this look.
        if dict(_parents()).get(process.pid) != process.parent or _label(process.pid) != process.label:
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def _parents() -> list[tuple[int, int]]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] != "Z":
            found.append((int(path.parent.name), int(fields[1])))
    return found


def _label(pid: int) -> str | None:
    """Name a process: by the Procfile's word in its environment, else by its program."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        program = Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    for word in environment:
        if word.startswith(b"PROCESS_NAME="):
            return word.partition(b"=")[2].decode()
    return program
