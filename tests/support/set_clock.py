"""A clock on the wall that tests set while processes run; their monotonic clocks stay true.

Debian's faketime does the same and more, and too much: not to touch the monotonic clock, it makes every
`time.sleep` of Python fail (0.9.10). So some lines of C are preloaded, where there is a compiler.
"""

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_suffix(".c")
_NS: Final = 1_000_000_000


class SetClock:
    """The clock of all processes that run with its `environment`; true at first."""

    def __init__(self, place: Path) -> None:
        """Make it in a directory.

        Raises:
            FileNotFoundError, CalledProcessError: there is no compiler, or it refuses.
        """
        self._file = place / "clock"
        self._library = place / "clock.so"
        self.set(0)
        compiling = [compiler(), "-shared", "-fPIC", "-O2", "-o", str(self._library), str(SOURCE), "-ldl"]
        subprocess.run(compiling, check=True, capture_output=True)

    @property
    def environment(self) -> dict[str, str]:
        """What a process must have in its environment."""
        return {"LD_PRELOAD": str(self._library), "SET_CLOCK_FILE": str(self._file)}

    def set(self, ahead_s: float) -> None:
        """Let it be so many seconds ahead of the true time, or behind."""
        packed = struct.pack("=q", round(ahead_s * _NS))
        with self._file.open("r+b" if self._file.exists() else "xb", buffering=0) as file:
            file.write(packed)  # in place, since processes have the file mapped


def compiler() -> str:
    """Find a C compiler.

    Raises:
        FileNotFoundError: there is none.
    """
    found = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if found is None:
        raise FileNotFoundError("There is no C compiler.")
    return found


def can_set_clocks() -> bool:
    """Whether clocks can be set here."""
    try:
        compiler()
    except FileNotFoundError:
        return False
    return True
