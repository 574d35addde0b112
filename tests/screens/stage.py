"""The running platform that scenes are played on, its admin, and what it puts on sale."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response
from sqlalchemy import update

from benchmarks.harness.platform import Platform
from models.database import Database
from models.enums import Role, StaffRole
from models.tables.accounts import User
from tests.screens.actors import Actor, Message

WIDTH: Final = 390
HEIGHT: Final = 844
PATIENCE_MS: Final = 30_000
HOUR_S: Final = 3600
A_WHILE_S: Final = 60
# What the browser says by itself of a refusal or a lost connection, which scenes show on purpose.
_EXPECTED: Final = ("Failed to load resource", "WebSocket connection to")
_NEEDED: Final = frozenset({"script", "stylesheet", "image", "font"})

Made = TypeVar("Made")


@dataclass
class Stage:
    """Where scenes are played, one after the other; errors of their pages are recorded."""

    browser: Browser
    platform: Platform
    database_url: str
    audit: Callable[[], object] = lambda: None  # audits all sales, where no background worker does
    complaints: list[str] = field(default_factory=list)
    _actors: list[Actor] = field(default_factory=list)
    _admin: Actor | None = None
    _others: list[Actor] = field(default_factory=list)
    _made: dict[Callable[["Stage"], Any], Any] = field(default_factory=dict)

    def visitor(self, *, locale: str = "en-US") -> Actor:
        """Somebody who is not logged in."""
        actor = self._newcomer(locale)
        self._actors.append(actor)
        return actor

    def shopper(self, name: str = "Ada Lovelace", *, locale: str = "en-US") -> Actor:
        """Somebody new who is logged in."""
        return self.visitor(locale=locale).register(name)

    def others(self, count: int) -> list[Actor]:
        """People whose pages are not looked at; the same ones in every scene."""
        while len(self._others) < count:
            context = self._context("en-US")
            page = self._others[0].page if self._others else context.new_page()  # for all of them to wait by
            self._others.append(Actor(context, page).register(""))
        return self._others[:count]

    @property
    def admin(self) -> Actor:
        """The shop's admin."""
        if self._admin is None:
            self._admin = self._newcomer("en-US").register("Grace Hopper")
            self._promote(self._admin.email)
            self._admin.log_in()
        return self._admin

    def sale(
        self,
        name: str = "Aurora wireless headphones",
        *,
        units: int = 100,
        price: int = 9_900,
        list_price: int = 24_900,
        currency: str = "USD",
        description: str = "Over-ear headphones with active noise cancelling and forty hours of play.",
        image_url: str | None = None,
        opens_in_s: int = 0,
        lasts_s: int = 6 * HOUR_S,
        **more: Any,
    ) -> Message:
        """Put something on sale, which runs at once unless it `opens_in_s`; returns the sale."""
        product = {
            "name": name,
            "description": description,
            "image_url": image_url,
            "list_price": {"amount_minor": list_price, "currency": currency},
        }
        opens_at = self.moment(opens_in_s or A_WHILE_S)  # opened by hand, before any worker's timer does
        new = {
            "product_id": self.admin.post("/api/v1/products", product)["id"],
            "allocation": units,
            "price": {"amount_minor": price, "currency": currency},
            "opens_at": opens_at.isoformat(),
            "closes_at": (opens_at + timedelta(seconds=lasts_s)).isoformat(),
            **more,
        }
        sale = self.admin.post("/api/v1/sales", new)
        return sale if opens_in_s else self.move(sale, "open")

    def await_audit(self, sale: Message) -> None:
        """Have a sale audited."""
        self.audit()
        self.admin.wait_for_audit(sale)

    def once(self, make: Callable[["Stage"], Made]) -> Made:
        """What several scenes look at: it is made for the first of them."""
        if make not in self._made:
            self._made[make] = make(self)
        made: Made = self._made[make]
        return made

    def inside(self) -> Actor:
        """The admin's browser, for pages of the control room."""
        self.admin.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        return self.admin

    def moment(self, seconds: int) -> datetime:
        """A time from now."""
        return datetime.now(UTC) + timedelta(seconds=seconds)

    def move(self, sale: Message, verb: str) -> Message:
        """Open, pause, resume, end or cancel a sale."""
        return self.admin.post(f"/api/v1/sales/{sale['id']}/{verb}")

    def clear(self) -> list[str]:
        """End the scene; returns what was wrong with its pages."""
        for actor in self._actors:
            actor.page.unroute_all(behavior="ignoreErrors")  # requests that were kept waiting are let go
            actor.context.close()
        self._actors.clear()
        told, self.complaints = self.complaints, []
        return told

    def close(self) -> None:
        """Close everybody's browser."""
        self.clear()
        for actor in (*self._others, *([self._admin] if self._admin else ())):
            actor.context.close()

    def _newcomer(self, locale: str) -> Actor:
        context = self._context(locale)
        page = context.new_page()
        self._listen(page)
        return Actor(context, page)

    def _context(self, locale: str) -> BrowserContext:
        context = self.browser.new_context(
            base_url=self.platform.url,
            viewport={"width": WIDTH, "height": HEIGHT},
            locale=locale,
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        return context

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._hear(page, message))
        page.on("response", lambda answer: self._note(page, answer))

    def _hear(self, page: Page, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_EXPECTED):
            self.complaints.append(f"{page.url}: {message.text}")

    def _note(self, page: Page, answer: Response) -> None:
        if not answer.url.startswith((self.platform.url, "data:", "blob:")):
            self.complaints.append(f"{page.url} asked another host: {answer.url}")
        if answer.status >= 400 and answer.request.resource_type in _NEEDED:
            self.complaints.append(f"{page.url}: {answer.status} for {answer.url}")

    def _promote(self, email: str) -> None:
        """Make an account an admin's, which no API does."""
        database = Database(self.database_url)
        try:
            with database.transaction() as session:
                session.execute(
                    update(User)
                    .where(User.email == email)
                    .values(role=Role.ADMIN, staff_role=StaffRole.OWNER)
                )
        finally:
            database.dispose()
