"""Starts and stops the platform that scenes are played on, with empty stores of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

from tests.browser.running import PROGRAMS, platform_over
from tests.screens.stage import Stage
from tests.support.push_service import push_keys
from tests.support.servers import Stores

A_DAY_S: Final = "86400"  # nobody has to log in again before the last scene, however slow the machine is
TERMS: Final = """# Terms

These are the terms of a shop that sells nothing but to those who stand in line for it.

## How a sale goes

Tickets are served in the order in which they were given. A hold is yours until it runs out:
who does not pay until then gives it back.

### What we keep

What we hold about you can be read and copied at any time, and is forgotten when you ask for it.
"""


@contextmanager
def stage_on(browser: Browser) -> Iterator[Stage]:
    """Start everything that scenes are played on, and leave nothing of it behind."""
    with ExitStack() as ends:
        place = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="screens-")))
        stores = Stores()
        ends.callback(stores.remove)
        stores.start()
        stores.migrate()
        settings = {
            "CONFIRM_SECONDS": A_DAY_S,
            "ACCESS_TOKEN_SECONDS": A_DAY_S,
            **push_keys(),
            **_terms(place),
        }
        programs = (*PROGRAMS, "background", "beat")
        platform = ends.enter_context(platform_over(stores, place, *programs, **settings))
        stage = Stage(browser, platform, stores.postgres.url)
        ends.callback(stage.close)
        yield stage


def _terms(place: Path) -> dict[str, str]:
    """The settings of a shop that has terms, which who registers accepts."""
    file = place / "terms.txt"
    file.write_text(TERMS)
    return {"TERMS_FILE": str(file), "TERMS_VERSION": "2026-01"}
