"""Finds and starts Chromium, for tests and screenshots alike."""

import os
import shutil
from typing import Final

from playwright.sync_api import Browser, Playwright

# The shell first: the whole browser draws its windows even where nobody sees them, which takes a third of a
# core while a page only rests.
NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
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


def find_chromium() -> str | None:
    """The browser's path: `CHROMIUM`, or the first known name on the PATH."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def start_chromium(playwright: Playwright, path: str) -> Browser:
    """Start it without a window."""
    return playwright.chromium.launch(executable_path=path, args=list(FLAGS))
