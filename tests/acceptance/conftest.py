"""One platform for all that is shown on a running one, since a start costs more than a scene."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.acceptance.running import StartedPlatform

PATIENCE_S: Final = "3"


@pytest.fixture(scope="package")
def _shared_platform() -> Iterator[StartedPlatform]:
    """It soon loses patience with its provider, whose own webhooks reach nobody."""
    platform = StartedPlatform(
        WEB_PROCESSES="1",  # a soak has two, and two drain workers
        WORKER_PROCESSES="1",
        PAYMENT_PATIENCE_SECONDS=PATIENCE_S,
        SANDBOX_WEBHOOK_URL="http://127.0.0.1:9/",
    )
    try:
        yield platform
    finally:
        platform.remove()


@pytest.fixture
def platform(_shared_platform: StartedPlatform) -> StartedPlatform:
    """The platform, up; tests put back what they break, but need not start what they end."""
    if not _shared_platform.is_up:
        _shared_platform.start()
    return _shared_platform
