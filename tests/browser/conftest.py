"""A real Chromium over the running platform; without one on this machine these tests are skipped."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from benchmarks.harness.platform import Platform
from tests.browser.chromium import MISSING, WHOLE, find_chromium, start_chromium
from tests.browser.running import PROGRAMS, platform_over
from tests.support.contexts import context_over, plain_settings
from tests.support.emptying import empty
from tests.support.push_service import push_keys
from tests.support.servers import Stores
from tests.support.shop import Shop

PATIENCE_MS: Final = 30_000  # for what a page waits for; generous, since it times nothing

NewPage = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path."""
    found = find_chromium()
    if not found:
        pytest.skip(MISSING)
    return found


@pytest.fixture(
    scope="package"
)  # the driver's event loop must be gone when other tests have loops of their own
def browser(chromium: str) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = start_chromium(playwright.chromium, chromium)
        yield browser
        browser.close()


@pytest.fixture
def whole_browser(browser: Browser) -> Iterator[Browser]:
    """One that takes pushes, as the shell does not."""
    path = find_chromium(WHOLE)
    if not path:
        pytest.skip(f"no whole browser: {', '.join(WHOLE)}")
    whole = start_chromium(browser.browser_type, path)
    yield whole
    whole.close()


@pytest.fixture(scope="package")
def platform(
    chromium: str,  # noqa: ARG001 - nothing is started for tests that are skipped
    stores: Stores,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Platform]:
    """The running platform, begun empty; each test makes its own sales and shoppers."""
    empty(stores.postgres.url, stores.redis.url)
    with platform_over(stores, tmp_path_factory.mktemp("platform"), *PROGRAMS, **push_keys()) as running:
        yield running


@pytest.fixture
def held_worker(platform: Platform) -> Iterator[Platform]:
    """A worker that decides nothing until it is let go."""
    platform.hold("worker")
    yield platform
    platform.let_go("worker")


@pytest.fixture
def shop(stores: Stores) -> Iterator[Shop]:
    """The platform's own verbs, to set a scene."""
    with context_over(plain_settings(stores)) as context:
        yield Shop(context)


@pytest.fixture
def new_page(browser: Browser, platform: Platform) -> Iterator[NewPage]:
    """Pages of people who share nothing: each has cookies of its own. A broken page fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    def make(width: int = 390, *, locale: str = "en-US") -> Page:
        context = browser.new_context(
            base_url=platform.url, viewport={"width": width, "height": 844}, locale=locale
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", listen)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []
