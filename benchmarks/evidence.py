"""Owns the reading of what the shop stores about a sale, for the judgement of a rush."""

import time
from typing import Final

from benchmarks.records import Evidence, Finding, StoredIntent, StoredOrder, StoredSale, Told
from benchmarks.shop import Shop
from benchmarks.verify import verify

SETTLING_S: Final = 5.0  # seconds in which the stores may still agree on what was told
SETTLING: Final = frozenset({"lost", "told_not_stored", "conservation", "audit"})  # the rest never heals


def verify_settled(
    shop: Shop, sale_id: str, units: int, told: tuple[Told, ...]
) -> tuple[Evidence, dict[str, list[Finding]]]:
    """Verify; while the stores may still be agreeing, a finding is read again before it counts."""
    deadline = time.monotonic() + SETTLING_S
    while True:
        evidence = gather_evidence(shop, sale_id, units, told)
        findings = verify(evidence)
        broken = {check for check, found in findings.items() if found}
        if not broken or not broken <= SETTLING or time.monotonic() > deadline:
            return evidence, findings
        time.sleep(0.5)


def gather_evidence(shop: Shop, sale_id: str, units: int, told: tuple[Told, ...]) -> Evidence:
    """Read what the shop stores about the sale."""
    intents = tuple(
        StoredIntent(row["id"], row["ticket"], row["quantity"], row["status"], row["order_id"])
        for row in shop.rows(f"/api/v1/intents?sale_id={sale_id}")
    )
    orders = tuple(
        StoredOrder(row["id"], row["intent_id"], row["quantity"], row["status"])
        for row in shop.rows(f"/api/v1/orders?sale_id={sale_id}")
    )
    sale = shop.expect(200, "GET", f"/api/v1/sales/{sale_id}")
    status, audit = shop.call("GET", f"/api/v1/sales/{sale_id}/audit")
    return Evidence(
        units=units,
        told=told,
        intents=intents,
        orders=orders,
        sale=StoredSale(sale["allocation"], sale["available"], sale["held"], sale["sold"]),
        audit=audit if status == 200 else None,
    )
