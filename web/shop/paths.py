"""Where a person may be sent after logging in: to paths of our own, and nowhere else."""

import re
from typing import Final
from urllib.parse import urlsplit

HOME: Final = "/"
MAX_PATH: Final = 500  # characters

_UNSAFE: Final = re.compile(r"[\x00-\x20\\\x7f]").search  # browsers drop some of these, and read «\» as «/»


def own_path(asked: str | None) -> str:
    """Return the path that was asked for if it surely is one of ours, otherwise the home page."""
    if not asked or len(asked) > MAX_PATH or _UNSAFE(asked):
        return HOME
    if not asked.startswith("/") or asked.startswith("//"):
        return HOME
    try:
        parts = urlsplit(asked)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else asked
