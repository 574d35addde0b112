"""Every view that there is: whole, quiet, for everybody to use, and as narrow as it may have to be."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

from benchmarks.harness.platform import Platform
from models.languages import SOURCE
from tasks.sales.auditing import audit_running_sales
from tests.screens.camera import VIEWS, View, looks, spoken_to, views_of
from tests.screens.opening import stage_on
from tests.screens.scene import Scene
from tests.screens.scenes import SCENES
from tests.screens.stage import Stage
from tests.support.contexts import context_over, plain_settings
from tests.support.servers import Stores
from web.shop.languages import LANGUAGES

pytestmark = pytest.mark.browser

TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
EVERYTHING: Final = {
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
# What width and scheme can change, in all views of the main scenes, which have every piece that others have;
# all else is the same in every view, and looked at in the first.
LOOKS: Final = ("color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable")
APPEARANCE: Final = {"runOnly": {"type": "rule", "values": LOOKS}, "resultTypes": ["violations"]}
NARROWEST: Final = View(320, "light")  # WCAG 1.4.10: no scrolling in two directions at 320 CSS pixels
# A scene for each frame of pages, which most changes would break; before a release all of them are looked at.
EACH_FRAME: Final = frozenset(
    {*map(str, filter(lambda scene: scene.is_main, SCENES)), "front", "order-held", "login"}
)
# And one for each kind of page, which has words of its own.
EACH_KIND: Final = EACH_FRAME | {"admin-sales", "order-page", "receipt", "orders", "problem-404"}


def has_own_words(scene: Scene) -> bool:
    """Whether it is looked at in every language: each kind of page, and all of the control room."""
    return str(scene) in EACH_KIND or str(scene).startswith("admin-")


@pytest.fixture(scope="module")
def stage(browser: Browser) -> Iterator[Stage]:
    """A platform of its own, on which all scenes are played in order."""
    with stage_on(browser) as stage:
        yield stage


@pytest.fixture(scope="module")
def shared_stage(browser: Browser, platform: Platform, stores: Stores) -> Iterator[Stage]:
    """The platform that other tests use too, for scenes that need no background worker."""
    with context_over(plain_settings(stores)) as context:
        stage = Stage(browser, platform, stores.postgres.url, partial(audit_running_sales, context))
        yield stage
        stage.close()


@pytest.mark.parametrize("scene", [scene for scene in SCENES if str(scene) in EACH_FRAME], ids=str)
def test_each_frame_of_pages_is_for_everybody_and_fits(shared_stage: Stage, scene: Scene) -> None:
    assert not look(shared_stage, scene, VIEWS[:1])


@pytest.mark.release
@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_a_view_is_for_everybody_fits_and_breaks_nothing(stage: Stage, scene: Scene) -> None:
    assert not look(stage, scene, views_of(scene))


@pytest.mark.release
@pytest.mark.parametrize("scene", [scene for scene in SCENES if has_own_words(scene)], ids=str)
def test_a_page_is_for_everybody_and_fits_in_every_language(stage: Stage, scene: Scene) -> None:
    assert not look(stage, scene, VIEWS, sorted(set(LANGUAGES) - {SOURCE}))


def look(stage: Stage, scene: Scene, views: Sequence[View], languages: Sequence[str] = ("",)) -> str:
    """Play a scene and look at it in these ways, in its own language or in others; tells what is wrong."""
    found: list[str] = []
    try:
        page = scene.play(stage)
        for language in languages:
            with spoken_to(page, language):
                found += (f"{language} {fault}".strip() for fault in faults(page, views))
    finally:
        found += stage.clear()
    return "\n".join(found)


def faults(page: Page, views: Sequence[View]) -> Iterator[str]:
    """What axe finds, and whether the page scrolls sideways; at the narrowest too."""
    page.evaluate(AXE_SCRIPT)
    for view in looks(page, (*views, NARROWEST)):
        if view != NARROWEST:
            yield from violations(page, view, EVERYTHING if view == VIEWS[0] else APPEARANCE)
        if is_too_wide(page):
            yield f"{view}: the page scrolls sideways"


def violations(page: Page, view: View, options: Mapping[str, Any]) -> list[str]:
    """What axe finds, a line for each element."""
    said = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{view}: {rule['id']} ({rule['impact']}): {rule['help']}\n    {node['html'][:200]}\n    {why(node)}"
        for rule in said["violations"]
        for node in rule["nodes"]
    ]


def why(node: Mapping[str, Any]) -> str:
    """What axe says of an element."""
    checks = [check for kind in ("any", "all", "none") for check in node[kind]]
    return "; ".join(check["message"] for check in checks)


def is_too_wide(page: Page) -> bool:
    told: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return told


def test_axe_would_find_what_is_wrong(shared_stage: Stage) -> None:
    page = shared_stage.visitor().page
    page.goto("/login")
    page.evaluate(AXE_SCRIPT)
    page.evaluate("""() => {
      const image = new Image();
      const faint = document.createElement("p");
      faint.textContent = "Hardly to be read";
      faint.style.color = "#ddd";
      document.querySelector("main").append(image, faint);
    }""")
    found = "\n".join(violations(page, VIEWS[0], EVERYTHING))
    shared_stage.clear()
    assert "image-alt" in found
    assert "color-contrast" in found
