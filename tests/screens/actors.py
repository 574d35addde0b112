"""The people in scenes: each has a browser, and does by the API what the scene does not show."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import BrowserContext, Page

PASSWORD: Final = "correct horse battery"
DEADLINE_S: Final = 30.0
STEP_MS: Final = 100

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody with a browser. Actions go by the API with the cookies of that browser."""

    context: BrowserContext
    page: Page
    email: str = ""

    def register(self, name: str) -> "Actor":
        """Make an account, and log in with it."""
        actor = Actor(self.context, self.page, f"{uuid.uuid4().hex[:8]}@example.com")
        account = {"email": actor.email, "password": PASSWORD, "accept_terms": True}
        account |= {"name": name} if name else {}
        actor.post("/api/v1/auth/register", account)
        actor.log_in()
        return actor

    def log_in(self) -> None:
        """Get the cookies of a log-in."""
        self.post("/session", {"email": self.email, "password": PASSWORD})

    def get(self, path: str) -> Message:
        """Read something."""
        return self._ask("GET", path)

    def post(self, path: str, body: Message | None = None) -> Message:
        """Do something."""
        return self._ask("POST", path, body)

    def put(self, path: str) -> Message:
        """Have something so."""
        return self._ask("PUT", path)

    def delete(self, path: str) -> Message:
        """Give something up."""
        return self._ask("DELETE", path)

    def line_up(self, sale: Message, quantity: int = 1) -> Message:
        """Ask to buy; returns the intent."""
        return self.post(f"/api/v1/sales/{sale['id']}/intents", {"quantity": quantity})

    def wait_for(self, intent: Message, *statuses: str) -> Message:
        """Wait until an intent is in one of these states; returns it."""
        return self._until(f"/api/v1/intents/{intent['id']}", lambda now: now["status"] in statuses)

    def hold(self, sale: Message, quantity: int = 1) -> Message:
        """Buy as far as a hold goes; returns the order."""
        intent = self.wait_for(self.line_up(sale, quantity), "held")
        return self.get(f"/api/v1/orders/{intent['order_id']}")

    def pay(self, order: Message, method: str = "sandbox_ok", *, until: str = "paid") -> Message:
        """Pay an order, and wait for what comes of it; returns the order."""
        self.post(f"/api/v1/orders/{order['id']}/payments", {"method": method})
        return self.wait_for_order(order, until)

    def decline(self, order: Message, method: str = "sandbox_insufficient_funds") -> Message:
        """Pay by a card that is declined; returns the order, which is held again."""
        self.post(f"/api/v1/orders/{order['id']}/payments", {"method": method})
        path = f"/api/v1/orders/{order['id']}"
        return self._until(path, lambda now: now["status"] == "held" and len(now["history"]) > 2)

    def wait_for_order(self, order: Message, status: str) -> Message:
        """Wait until an order is in a state; returns it."""
        return self._until(f"/api/v1/orders/{order['id']}", lambda now: now["status"] == status)

    def wait_for_audit(self, sale: Message) -> None:
        """Wait until the shop has audited a sale by itself."""
        path = f"/api/v1/admin/sales/{sale['id']}/overview"
        self._until(path, lambda now: now["audit"]["checked_at"] is not None)

    def read_mail(self, mail: Message) -> Message:
        """Wait until a mail is kept, and read it."""
        return self._until(f"/api/v1/admin/mails/{mail['id']}", lambda now: now["text"] is not None)

    def _until(self, path: str, claim: Callable[[Message], bool]) -> Message:
        until = time.monotonic() + DEADLINE_S
        while not claim(found := self.get(path)):
            if time.monotonic() > until:
                raise AssertionError(f"{path} is still {found}")
            self.page.wait_for_timeout(STEP_MS)
        return found

    def _ask(self, method: str, path: str, body: Message | None = None) -> Message:
        csrf = {cookie["name"]: cookie["value"] for cookie in self.context.cookies()}.get("fs_csrf", "")
        headers = {"Accept": "application/json", "X-CSRF-TOKEN": csrf}
        answer = self.context.request.fetch(path, method=method, headers=headers, data=body)
        if not answer.ok:
            raise AssertionError(f"{method} {path} is a {answer.status}: {answer.text()}")
        said: Message = answer.json() if answer.body() else {}
        return said
