"""Tells a plain host from one that werkzeug looks at, and may refuse."""

import re
from functools import lru_cache
from typing import Final

_LABEL: Final = r"[A-Za-z0-9_-]{1,63}"
_HOST: Final = re.compile(
    rf"(?:{_LABEL}(?:\.{_LABEL}){{0,8}}|\[[0-9A-Fa-f:.]{{2,45}}\])(?::[0-9]{{1,5}})?"
).fullmatch


@lru_cache(maxsize=1024)
def is_sane_host(host: str) -> bool:
    """Whether a host is one that werkzeug routes without a look."""
    return _HOST(host) is not None
