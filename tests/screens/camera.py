"""Takes pictures of a page: phone and desktop width, light and dark, as small WebP files."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urljoin

from playwright.sync_api import Page, expect

from tests.screens.scene import Scene
from tests.screens.stage import HEIGHT
from web.shop.languages import COOKIE

QUALITY: Final = 45  # of 100; text stays sharp
TALLEST: Final = 1_800  # CSS pixels; what is below is more of the same
Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class View:
    """How a page is looked at."""

    width: int
    scheme: Scheme

    def __str__(self) -> str:
        return f"{self.width}-{self.scheme}"


VIEWS: Final = tuple(View(width, scheme) for width in (390, 1440) for scheme in ("light", "dark"))
PHONE: Final = VIEWS[:1]


def views_of(scene: Scene, *, every: bool = False) -> Sequence[View]:
    """Which pictures of a scene are kept: of the main ones all, of the others that of a phone."""
    return VIEWS if every or scene.is_main else PHONE


def looks(page: Page, views: Sequence[View]) -> Iterator[View]:
    """Let a page be looked at in each way, without loading it again."""
    for view in views:
        page.set_viewport_size({"width": view.width, "height": HEIGHT})
        page.emulate_media(color_scheme=view.scheme, reduced_motion="reduce")
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        yield view


@contextmanager
def spoken_to(page: Page, language: str) -> Iterator[None]:
    """Load a page again in another language for a while; without one it stays as it is."""
    if not language:
        yield
        return
    page.context.add_cookies([{"name": COOKIE, "value": language, "url": urljoin(page.url, "/")}])
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", language)
    page.wait_for_function("!document.querySelector('[data-waits]')")  # its scripts have spoken too
    yield
    page.context.clear_cookies(name=COOKIE)


def take(page: Page, path: Path) -> int:
    """Write a picture of the whole page; returns its size in bytes."""
    page.evaluate("scrollTo(0, 0)")  # sticky elements are pictured at the top
    size = page.evaluate("() => [document.documentElement.clientWidth, document.body.scrollHeight]")
    session = page.context.new_cdp_session(page)
    try:
        picture = session.send(
            "Page.captureScreenshot",
            {
                "format": "webp",
                "quality": QUALITY,
                "captureBeyondViewport": True,
                "clip": {"x": 0, "y": 0, "width": size[0], "height": min(size[1], TALLEST), "scale": 1},
            },
        )
    finally:
        session.detach()
    return path.write_bytes(base64.b64decode(picture["data"]))
