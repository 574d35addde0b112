"""The admin's side of a load: one synchronous connection to the shop's HTTP API."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final

import orjson

from benchmarks.client.http_wire import Target
from benchmarks.harness.failures import CannotMeasure
from benchmarks.harness.settings import LONG_HOLD_S

PAGE: Final = 200  # rows a page, the most that the contract allows
ANSWER_TIMEOUT_S: Final = 30.0
PAUSE_S: Final = 0.2


class Shop:
    """The shop as its admin sees it. Refusals that a client should wait out are waited out."""

    def __init__(self, target: Target, *, patience_s: float, token: str = "") -> None:
        self._target = target
        self.patience_s = patience_s  # how long a shop that does not answer is asked again
        self._connection: HTTPConnection | None = None
        self.token = token

    def close(self) -> None:
        """Hang up; the next call connects again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def wait_until_ready(self) -> None:
        """Wait for `/readyz`.

        Raises:
            CannotMeasure: the shop is not reachable, or not ready, in time.
        """
        status, said = self.call("GET", "/readyz")
        if status != 200:
            raise CannotMeasure(f"The shop at {self._target.authority} is not ready: {status} {said}")

    def log_in(self, email: str, password: str) -> None:
        """Become the admin.

        Raises:
            CannotMeasure: the shop does not let us in, or the account is no admin.
        """
        status, said = self.call("POST", "/api/v1/auth/login", {"email": email, "password": password})
        if status != 200:
            raise CannotMeasure(f"The admin {email} cannot log in: {status} {describe(said)}")
        if said["user"]["role"] != "admin":
            raise CannotMeasure(f"{email} is not an admin.")
        self.token = said["access_token"]

    def open_sale(self, units: int, per_shopper: int, hold_s: int = LONG_HOLD_S) -> str:
        """Create a product and an open sale of it; returns the sale's id.

        Raises:
            CannotMeasure: the shop refuses.
        """
        product = self.expect(201, "POST", "/api/v1/products", product_body())
        body = sale_body(product["id"], units, per_shopper, hold_s)
        sale = self.expect(201, "POST", "/api/v1/sales", body)
        if sale["status"] == "scheduled":
            self.move_sale(sale["id"], "open")
        return str(sale["id"])

    def move_sale(self, sale_id: str, verb: str) -> None:
        """Open or end the sale; that it already is where it shall be is fine.

        Raises:
            CannotMeasure: the shop refuses for another reason.
        """
        status, said = self.call("POST", f"/api/v1/sales/{sale_id}/{verb}")
        already = status == 409 and isinstance(said, dict) and said.get("code") == "illegal_transition"
        if status != 200 and not already:
            raise CannotMeasure(f"The sale cannot {verb}: {status} {describe(said)}")

    def expect(self, wanted: int, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call, and insist on a status.

        Raises:
            CannotMeasure: the answer is another one.
        """
        status, said = self.call(method, path, body)
        if status != wanted:
            raise CannotMeasure(f"{method} {path} answered {status}: {describe(said)}")
        return said

    def rows(self, path: str) -> Iterator[dict[str, Any]]:
        """Every row of a list, page by page; `path` ends in a query."""
        cursor: str | None = None
        while True:
            more = f"&cursor={cursor}" if cursor else ""
            page = self.expect(200, "GET", f"{path}&limit={PAGE}{more}")
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """One exchange: (status, body). Broken connections, 429 and 503 are retried while patience lasts.

        Raises:
            CannotMeasure: the shop could not be reached at all.
        """
        deadline = time.monotonic() + self.patience_s
        while True:
            try:
                status, said, wanted = self._exchange(method, path, body)
            except (OSError, HTTPException) as error:
                self.close()
                if time.monotonic() > deadline:
                    raise CannotMeasure(
                        f"The shop at {self._target.authority} is not reachable: {error}"
                    ) from error
                time.sleep(PAUSE_S)
                continue
            if status not in {429, 503} or time.monotonic() + wanted > deadline:
                return status, said
            time.sleep(wanted)

    def _exchange(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, Any, float]:
        if self._connection is None:
            kind = HTTPSConnection if self._target.tls else HTTPConnection
            self._connection = kind(self._target.host, self._target.port, timeout=ANSWER_TIMEOUT_S)
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        self._connection.request(method, path, orjson.dumps(body) if body is not None else None, headers)
        response = self._connection.getresponse()
        text = response.read()
        retry_after = response.headers.get("Retry-After", "")
        wanted = float(retry_after) if retry_after.isdigit() else PAUSE_S
        is_json = "json" in response.headers.get("Content-Type", "")
        return (
            response.status,
            orjson.loads(text) if is_json and text else text.decode(errors="replace"),
            wanted,
        )


@contextmanager
def opened_sale(
    shop: Shop, units: int, per_shopper: int, hold_s: int, tell: Callable[[str], None]
) -> Iterator[str]:
    """An open sale that does not stay open when the block fails."""
    sale_id = shop.open_sale(units, per_shopper, hold_s)
    try:
        yield sale_id
    except BaseException:
        try:
            shop.move_sale(sale_id, "end")
        except CannotMeasure as error:
            tell(f"The sale {sale_id} is left open: {error}")
        raise


def describe(said: object) -> str:
    """A problem in one line."""
    if isinstance(said, dict):
        return " ".join(str(said[name]) for name in ("code", "detail", "errors") if said.get(name))
    return str(said)[:300]


def product_body() -> dict[str, Any]:
    """A product for the crowd."""
    return {
        "name": f"Rush {datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        "description": "What a crowd of load-test shoppers is after.",
        "list_price": {"amount_minor": 4999, "currency": "USD"},
    }


def sale_body(product_id: str, units: int, per_shopper: int, hold_s: int = LONG_HOLD_S) -> dict[str, Any]:
    """A sale that is open now and for an hour."""
    now = datetime.now(UTC)
    return {
        "product_id": product_id,
        "allocation": units,
        "price": {"amount_minor": 1999, "currency": "USD"},
        "opens_at": now.isoformat(),
        "closes_at": (now + timedelta(hours=1)).isoformat(),
        "per_shopper_limit": per_shopper,
        "hold_seconds": hold_s,
    }
