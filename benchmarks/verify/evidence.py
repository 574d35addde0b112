"""The reading of what the shop and its provider store about a sale, for the judgement of a rush."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import config
from benchmarks.client.admin_api import Shop
from benchmarks.harness.failures import NoBooks
from benchmarks.harness.settings import RushSettings
from benchmarks.verify.judge import verify
from benchmarks.verify.money import left_out
from benchmarks.verify.testimony import Evidence, Finding, StoredIntent, StoredOrder, StoredSale, Told

if TYPE_CHECKING:
    from benchmarks.verify.provider_books import ProviderBooks

SETTLING_S: Final = 5.0  # seconds in which the stores may still agree on what was told
SETTLING: Final = frozenset(
    {"lost", "told_not_stored", "conservation", "audit", "unsold", "money", "paid_without_units"}
)  # the rest never heals


def verify_settled(
    read: Callable[[], Evidence], deadline: float | None = None
) -> tuple[Evidence, dict[str, list[Finding]]]:
    """Verify; while the stores may still be agreeing, a finding is read again before it counts."""
    deadline = deadline or time.monotonic() + SETTLING_S
    while True:
        evidence = read()
        findings = verify(evidence)
        broken = {check for check, found in findings.items() if found}
        if not broken or not broken <= SETTLING or time.monotonic() > deadline:
            return evidence, findings
        time.sleep(0.5)


def gather_evidence(
    shop: Shop, sale_id: str, units: int, told: tuple[Told, ...], books: "ProviderBooks | None" = None
) -> Evidence:
    """Read what is stored about the sale."""
    intents = tuple(
        StoredIntent(row["id"], row["ticket"], row["quantity"], row["status"], row["order_id"])
        for row in shop.rows(f"/api/v1/intents?sale_id={sale_id}")
    )
    rows = list(shop.rows(f"/api/v1/orders?sale_id={sale_id}"))
    orders = tuple(_order(row) for row in rows)
    sale = shop.expect(200, "GET", f"/api/v1/sales/{sale_id}")
    status, audit = shop.call("GET", f"/api/v1/sales/{sale_id}/audit")
    return Evidence(
        units=units,
        told=told,
        intents=intents,
        orders=orders,
        sale=StoredSale(sale["allocation"], sale["available"], sale["held"], sale["sold"]),
        audit=audit if status == 200 else None,
        tells_receipts=any("receipt_number" in row for row in rows),
        receipts_elsewhere=find_receipts(shop, left_out(orders)),
        books=books.charges_of(sale_id) if books is not None else None,
    )


def find_receipts(shop: Shop, numbers: frozenset[str]) -> frozenset[str]:
    """Look for receipts among all orders of the shop: numbers are given by the year, not by the sale."""
    found: set[str] = set()
    for status in ("paid", "refunded"):
        if found == numbers:
            break
        for row in shop.rows(f"/api/v1/orders?status={status}"):
            if row.get("receipt_number") in numbers:
                found.add(row["receipt_number"])
            if found == numbers:
                break
    return frozenset(found)


@contextmanager
def provider_books(
    settings: RushSettings, sale_id: str, told: list[Told], notes: list[str]
) -> Iterator["ProviderBooks | None"]:
    """The provider's books while the block lasts, where they can be read; else a note says why not."""
    if not any(one.payment_answer == 202 for one in told):
        yield None
        return
    if not settings.is_local or not (url := config.load_settings().database_url):
        notes.append("The provider's books were not read: the shop's database is not known here.")
        yield None
        return
    # The ledger is a second of imports, which nobody else needs.
    from benchmarks.verify.provider_books import ProviderBooks
    from models.database import Database

    database = Database(url, pool_size=1, application_name="rush")
    try:
        books = ProviderBooks(database)
        books.require(sale_id)
    except NoBooks as error:
        notes.append(f"The provider's books were not read: {error}.")
        yield None
    else:
        yield books
    finally:
        database.dispose()


def _order(row: dict[str, Any]) -> StoredOrder:
    total = row.get("total", {"amount_minor": 0})
    return StoredOrder(
        row["id"],
        row["intent_id"],
        row["quantity"],
        row["status"],
        total["amount_minor"],
        row.get("receipt_number"),
    )
