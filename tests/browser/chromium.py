"""Finds and starts Chromium, for tests and screenshots alike."""

import os
import shutil
from collections.abc import Sequence
from typing import Final

from playwright.sync_api import Browser, BrowserType

# The shell first: the whole browser draws its windows even where nobody sees them, which takes a third of a
# core while a page only rests.
SHELL: Final = "chromium-headless-shell"
WHOLE: Final = ("chromium", "chromium-browser", "google-chrome")
NAMES: Final = (SHELL, *WHOLE)
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
MISSING: Final = f"no browser: set CHROMIUM, or put one of {', '.join(NAMES)} on the PATH"


def find_chromium(names: Sequence[str] = NAMES) -> str | None:
    """The browser's path: `CHROMIUM`, or the first of these names on the PATH."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def start_chromium(kind: BrowserType, path: str) -> Browser:
    """Start it without a window."""
    return kind.launch(executable_path=path, args=list(FLAGS))
