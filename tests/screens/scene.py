"""What a scene is: a view with a name, and how to reach it."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.screens.actors import Actor, Message
from tests.screens.stage import Stage

Play = Callable[[Stage], Page]


@dataclass(frozen=True, slots=True)
class Scene:
    """A view and how to reach it. Main ones get pictures at every width and in both schemes."""

    name: str
    play: Play
    is_main: bool = False

    def __str__(self) -> str:
        return self.name


def show(actor: Actor, path: str, heading: str) -> Page:
    """Go to a page and wait for what it is headed by."""
    actor.page.goto(path)
    expect(actor.page.get_by_role("heading", name=heading, exact=True).first).to_be_visible()
    return actor.page


def show_sale(actor: Actor, sale: Message, heading: str, *, link: str = "Live") -> Page:
    """Go to a sale's page, and wait for its panel's heading and until it is live."""
    page = show(actor, f"/sales/{sale['id']}", heading)
    expect(page.locator("#link")).to_contain_text(link)
    return page
