"""How failures are logged in development: as plain text, without what the variables held."""

import subprocess
import sys

from config import ROOT

FAILING = """
import logging
from config import load_settings
from tasks.runtime.logs import configure_logging

configure_logging(load_settings(), "tests")

def fail(password):
    raise ValueError("no")

try:
    fail("hun" + "ter2")
except ValueError:
    logging.getLogger("celery").critical("Unrecoverable", exc_info=True)
"""


def test_a_failure_is_told_plainly_and_tells_no_variables() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert "Traceback (most recent call last)" in done.stderr
    assert "ValueError: no" in done.stderr
    assert done.stderr.count("hunter2") == 0
