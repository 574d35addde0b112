"""Starts and stops the platform that scenes are played on, with empty stores of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.running import platform_over
from tests.screens.stage import Stage
from tests.support.push_service import push_keys
from tests.support.servers import Stores


@contextmanager
def stage_on(browser: Browser) -> Iterator[Stage]:
    """Start everything that scenes are played on, and leave nothing of it behind."""
    with ExitStack() as ends:
        place = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="screens-")))
        stores = Stores()
        ends.callback(stores.remove)
        stores.start()
        stores.migrate()
        platform = platform_over(stores, place, CONFIRM_SECONDS="86400", **push_keys())
        ends.callback(platform.close)
        platform.start_program("web")
        platform.start_program("worker")
        platform.start_program("payments")
        platform.start_program("background")
        platform.start_program("beat")
        stage = Stage(browser, platform, stores.postgres.url)
        ends.callback(stage.close)
        yield stage
