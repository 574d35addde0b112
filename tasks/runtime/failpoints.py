"""Failpoints: places where a test may make this process fail, so that crashes are tried at the exact step.

`FAILPOINT=name:nth:action`, e.g. `claimed:3:kill`; refused in production. Without it, passing one is a no-op.
"""

import os
import signal
from dataclasses import dataclass

from config import ConfigurationError


class Failed(Exception):
    """A failpoint that was armed to raise."""


@dataclass(slots=True)
class _Armed:
    name: str
    nth: int
    action: str
    passed: int = 0


_armed: list[_Armed] = []


def arm(specification: str) -> None:
    """Arm the failpoint that the specification describes; the empty one disarms all.

    Raises:
        ConfigurationError: it is not of the form `name:nth:action`.
    """
    _armed.clear()
    if not specification:
        return
    name, _, rest = specification.partition(":")
    nth, _, action = rest.partition(":")
    if not nth.isdigit() or action not in ("kill", "stop", "raise"):
        raise ConfigurationError(f"FAILPOINT is not name:nth:(kill|stop|raise): {specification!r}")
    _armed.append(_Armed(name, int(nth), action))


def failpoint(name: str) -> None:
    """Fail here, if this failpoint is armed and its turn has come."""
    for armed in _armed:
        if armed.name == name:
            armed.passed += 1
            if armed.passed == armed.nth:
                _fail(armed)


def _fail(armed: _Armed) -> None:
    if armed.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif armed.action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        raise Failed(armed.name)
