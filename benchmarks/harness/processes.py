"""Other processes of this machine: whose children they are, what they use, where they run, and their end."""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

STOP_S: Final = 45.0
GONE: Final = (psutil.NoSuchProcess, psutil.AccessDenied)  # also of zombies


@dataclass(frozen=True, slots=True)
class Process:
    """A running process; `label` is the Procfile's (`worker.2`), or a server's program."""

    pid: int
    parent: int
    label: str


def descendants(pid: int) -> set[int]:
    """The processes that a process started, and those that they started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return {one.pid for one in psutil.Process(pid).children(recursive=True)}
    return set()


def runs(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be reaped."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def naming(place: Path) -> list[int]:
    """The processes whose command line or environment names a directory."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(*GONE):
            if any(str(place) in word for word in (*one.cmdline(), *one.environ().values())):
                found.append(one.pid)
    return found


def command_of(pid: int) -> str:
    """The command line of a process; empty where it is gone."""
    with contextlib.suppress(*GONE):
        return " ".join(psutil.Process(pid).cmdline())
    return ""


def family_of(supervisor: int) -> list[Process]:
    """List what a supervisor started and what those started, each after its parent."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(supervisor).children(recursive=True)
        return [known for one in family if (known := _described(one)) is not None]
    return []


def send(process: Process, number: signal.Signals) -> bool:
    """Send a signal to a process if it is still that process; says whether it was."""
    with contextlib.suppress(psutil.NoSuchProcess):
        one = psutil.Process(process.pid)
        if _described(one) == process:
            one.send_signal(number)  # which looks itself whether the id was given to another since
            return True
    return False


def cpu_seconds(pids: Iterable[int]) -> float:
    """What these processes have used of the CPU so far, in user and in kernel mode."""
    return float(sum(used.user + used.system for used in asked(pids, "cpu_times")))


def pin(pids: Iterable[int], cores: set[int]) -> None:
    """Keep processes, with all their threads, on some cores; those that end meanwhile are left alone."""
    for threads in asked(pids, "threads"):
        for thread in threads:
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread.id, cores)


def asked(pids: Iterable[int], question: str) -> list[Any]:
    """Ask psutil something about each process that is still there."""
    found = []
    for pid in pids:
        with contextlib.suppress(*GONE):
            found.append(getattr(psutil.Process(pid), question)())
    return found


def stop(running: "subprocess.Popen[bytes]", patience_s: float = STOP_S) -> None:
    """End a process in order, or at once where it does not obey; its children are tied to its life."""
    if running.poll() is None:
        running.terminate()
    try:
        running.wait(patience_s)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _described(one: Any) -> Process | None:
    """Name a process by the Procfile's word in its environment, else by its program; None for a zombie."""
    with contextlib.suppress(*GONE):
        if one.status() != psutil.STATUS_ZOMBIE:
            return Process(one.pid, one.ppid(), one.environ().get("PROCESS_NAME") or one.name())
    return None
