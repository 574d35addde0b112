"""Owns the opening of a stage: stores and processes of its own, where nothing has been yet, and their end."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.running import Platform
from tests.screens.stage import Stage
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
        platform = Platform(stores, place)
        ends.callback(platform.close)
        platform.start_web()
        platform.start_worker()
        platform.start_payments()
        platform.start_background()
        stage = Stage(browser, platform, stores.postgres.url)
        ends.callback(stage.close)
        yield stage
