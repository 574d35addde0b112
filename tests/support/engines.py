"""Servers that not every machine has: tests that need one are skipped there, unless CI_ENGINES=1 is set."""

import os
import shutil

import pytest


def require_binary(name: str) -> str:
    """Find a program; skips the test where it is missing, or fails it under CI_ENGINES=1."""
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    found = shutil.which(name, path=search)
    if found is None:
        told = f"no {name} on this machine"
        if os.environ.get("CI_ENGINES") == "1":
            pytest.fail(told)
        pytest.skip(told)
    return found
