"""Chooses the user that PostgreSQL runs as, since it refuses to run as root."""

import os
import pwd
import signal
import stat
import subprocess
from pathlib import Path
from typing import Final

from deploy.children import OWN, Identity, tethered
from deploy.embedded.errors import NoIdentity

NAMESPACE: Final = Identity("namespace")


def choose_identity(home: Path, binary: Path) -> Identity:
    """Whom `binary` runs as with its files under `home` (which exists, inside the data directory).

    An ordinary user runs it as themselves. Root runs it as `nobody` where `nobody` can reach the files, and
    otherwise as itself, in a user namespace where it is not called root. That namespace also
    serves a user whose id has no name, as containers have them: PostgreSQL insists on a name.

    Raises:
        NoIdentity: the machine offers none of these.
    """
    if os.geteuid() != 0 and _has_name():
        return OWN
    for candidate in _candidates(home):
        if _can_run(candidate, binary, home.parent.parent):
            return candidate
    raise NoIdentity(
        "PostgreSQL runs neither as root nor as a user without a name, user namespaces are not allowed here, "
        f"and other users cannot reach {home} or {binary}. Run as an ordinary user, set DATA_DIR to a place "
        "that others can enter, or set DATABASE_URL."
    )


def hand_over(home: Path, identity: Identity) -> None:
    """Give everything under `home` to `identity`, and let it pass through the data directory."""
    if os.geteuid() != 0:
        return
    if home.stat().st_uid != identity.file_owner:
        for path in (home, *home.rglob("*")):
            os.chown(path, identity.file_owner, identity.file_group, follow_symlinks=False)
    data_dir = home.parent
    if identity.kind == "user" and data_dir.stat().st_uid != identity.uid:
        data_dir.chmod(stat.S_IMODE(data_dir.stat().st_mode) | 0o011)


def _has_name() -> bool:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def _candidates(home: Path) -> tuple[Identity, ...]:
    """In the order to try them: existing data keeps its owner, if that is possible."""
    if os.geteuid() != 0:
        return (NAMESPACE,)
    is_roots = (home / "data").exists() and home.stat().st_uid == 0
    return (NAMESPACE, _nobody()) if is_roots else (_nobody(), NAMESPACE)


def _nobody() -> Identity:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Identity("user", 65534, 65534)
    return Identity("user", entry.pw_uid, entry.pw_gid)


def _can_run(identity: Identity, binary: Path, directory: Path) -> bool:
    """Try it: permissions, access lists, namespaces and mounts have the last word anyway."""
    command = tethered(
        [str(binary), "--version"], death_signal=signal.SIGKILL, identity=identity, directory=directory
    )
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
