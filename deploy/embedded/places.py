"""Where the embedded servers keep data, sockets and logs; starts nothing."""

import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import Final

from deploy.embedded.errors import UnsafePlace

SOCKET_PATH_BYTES: Final = 107  # bytes; the kernel's sun_path holds 108 with its closing NUL
SHORT_ROOT: Final = Path("/tmp")  # noqa: S108 - what is made there is checked by make_private
PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/._-]+")
LOG_BYTES: Final = 10 * 1024 * 1024  # bytes; a longer log is set aside at the next start


def make_data_dir(path: Path) -> Path:
    """Make the data directory, private; one that is there keeps its mode, as what is in it is private anyway.

    Raises:
        UnsafePlace: it cannot be made, or others own it or can write to it.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnsafePlace(f"Cannot make {path}: {error.strerror}. Set DATA_DIR elsewhere.") from error
    found = path.stat()
    if os.geteuid() != found.st_uid:
        raise UnsafePlace(f"{path} belongs to user {found.st_uid}. Run as that user, or set DATA_DIR.")
    if found.st_mode & 0o002:
        raise UnsafePlace(f"Everybody can write to {path}. Set DATA_DIR to a directory of its own.")
    return path


def make_private(path: Path) -> Path:
    """Make sure that `path` is a directory that nobody but its owner can read.

    Raises:
        UnsafePlace: it is there already, as something else or as somebody else's.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        _require_private(path)
    return path


def _require_private(path: Path) -> None:
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise UnsafePlace(f"{path} is in the way: it must be a directory.")
    if os.geteuid() not in (0, found.st_uid):
        raise UnsafePlace(f"{path} belongs to another user (id {found.st_uid}).")
    if found.st_mode & 0o066:
        path.chmod(stat.S_IMODE(found.st_mode) & 0o711)


def socket_directory(home: Path, socket_name: str) -> Path:
    """Where a server of `home` opens `socket_name`: `home` itself, or a short private directory.

    The short one is used when the path is too long for a socket, or has characters that URLs of the several
    clients quote differently. It follows from `home` and the user alone, so that it is found again.
    """
    path = os.fsencode(home / socket_name)
    if len(path) <= SOCKET_PATH_BYTES and PLAIN_PATH.fullmatch(str(home)):
        return home
    name = hashlib.sha256(f"{os.geteuid()}:{home.resolve()}".encode()).hexdigest()[:20]
    return SHORT_ROOT / f"embedded-{name}"


def require_own(directory: Path, owners: set[int]) -> None:
    """Refuse a directory in a shared place that somebody else laid there.

    Raises:
        UnsafePlace: its owner is none of `owners`.
    """
    if directory.lstat().st_uid not in owners:
        raise UnsafePlace(f"{directory} belongs to another user; remove it, or use a shorter DATA_DIR.")


def open_log(data_dir: Path, name: str) -> Path:
    """The path of a server's log, which is set aside as `.1` when it has grown long."""
    log = make_private(data_dir / "log") / f"{name}.log"
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.rename(log.with_suffix(".log.1"))
    log.touch(mode=0o600)
    return log


def write_secret_file(path: Path, text: str) -> None:
    """Replace a file that only its owner may read, in one step: a reader sees the old or the new."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def write_servers_file(data_dir: Path, database_url: str, redis_url: str) -> None:
    """Leave the servers' addresses in `servers.json`, where the configuration looks for them.

    An empty address says that this server is not an embedded one.
    """
    addresses = {"database_url": database_url, "redis_url": redis_url}
    write_secret_file(Path(data_dir) / "servers.json", json.dumps(addresses, indent=2) + "\n")
