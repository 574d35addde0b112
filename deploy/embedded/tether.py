"""Ties a child process to its parent's life, then turns into the program to run.

It is executed by path, with an isolated interpreter, and replaces itself with the program:

    python -I -S tether.py '{"parent": 1, "signal": 9, "identity": "own"}' program argument…

The kernel then ends the program when its parent dies, even when the parent was killed outright. The kernel
means the parent's *thread*: launch it from a thread that lives as long as the process.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from typing import Any, Final

PR_SET_PDEATHSIG: Final = 1
CLONE_NEWUSER: Final = 0x10000000
NAMESPACE_ID: Final = 65534  # what root is called inside a user namespace of its own
WANTED_FILES: Final = 1_048_576  # file descriptors; every waiting browser costs one


def main(arguments: list[str]) -> None:
    """Take on the identity asked for, tie the process to its parent, become the program."""
    options: dict[str, Any] = json.loads(arguments[0])
    libc = ctypes.CDLL(None, use_errno=True)
    _raise_file_limit()
    if options["identity"] == "namespace":
        _enter_namespace(libc)
    elif options["identity"] == "user":
        _become(options["uid"], options["gid"])
    if directory := options.get("directory"):
        os.chdir(directory)
    # Only now: a change of credentials clears the signal.
    _call(libc.prctl(PR_SET_PDEATHSIG, options["signal"], 0, 0, 0))
    if os.getppid() != options["parent"]:
        sys.exit("The parent died before its child could start.")
    _restore_signals()
    os.execvp(arguments[1], arguments[1:])  # noqa: S606 - a shell would stand between parent and program


def _enter_namespace(libc: ctypes.CDLL) -> None:
    """Root in a namespace where it is nobody: files stay root's own, and PostgreSQL sees no root."""
    uid, gid = os.geteuid(), os.getegid()
    _call(libc.unshare(CLONE_NEWUSER))
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{NAMESPACE_ID} {uid} 1")
    _write("/proc/self/gid_map", f"{NAMESPACE_ID} {gid} 1")


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _restore_signals() -> None:
    """Ignored signals would stay ignored in the program, which then could not be stopped."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _call(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
