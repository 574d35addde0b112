"""Checks the order over time: nobody is overtaken, nor passed over by a late payer."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from benchmarks.verify.testimony import Finding
from tests.chaos.order_ways import CAME_LATE, HELD_AGAIN, changes_of
from tests.chaos.story import Story
from tests.chaos.truth import Row, StoredSale, Truth


def find_overtaken(_story: Story, truth: Truth) -> Iterator[Finding]:
    """A later ticket was granted what would have sufficed for an earlier one that was still waiting."""
    for sale in truth.sales.values():
        yield from _find_overtaken(sale)


@dataclass(frozen=True, slots=True)
class _Decided:
    ticket: int
    need: int
    granted: int
    at_ms: int
    status: str


def _find_overtaken(sale: StoredSale) -> Iterator[Finding]:
    """A refusal before the other's grant came is overtaken too, unless units were added between."""
    decided = _decisions(sale)
    grants = [one for one in decided if one.granted]
    for one in decided:
        for other in grants:
            if other.ticket <= one.ticket or other.granted < one.need:
                continue
            if other.at_ms < one.at_ms:
                yield Finding(
                    "overtaken",
                    f"ticket {other.ticket} was granted {other.granted} while ticket {one.ticket} waited",
                    f"{one} {other}",
                )
                break


def find_passed_over(story: Story, truth: Truth) -> Iterator[Finding]:
    """Refused for good, and a later ticket got as much afterwards, though nothing had been added since."""
    for sale_id, sale in truth.sales.items():
        raised = [*_raises(story, sale_id), *_refunds(truth, sale)]
        decided = _decisions(sale)
        grants = [one for one in decided if one.granted]
        for one in decided:
            if one.status not in {"sold_out", "rejected"}:
                continue
            for other in grants:
                is_later = other.ticket > one.ticket and other.at_ms >= one.at_ms
                if not is_later or other.granted < one.need:
                    continue
                if not any(began <= other.at_ms and ended >= one.at_ms for began, ended in raised):
                    yield Finding(
                        "overtaken",
                        f"ticket {one.ticket} is {one.status}, ticket {other.ticket} behind it is held",
                        f"{one} {other}",
                    )
                    break


def _raises(story: Story, sale: str) -> list[tuple[int, float]]:
    """List when the admin may have added units: from the asking to the answer, without one for good."""
    tries = [event for event in story.events if event.what == "admin" and event.sale == sale]
    began = {event.op: event.wall_ms for event in tries if event.type == "invoke"}
    ended = {event.op: event.wall_ms for event in tries if event.type == "ok"}
    refused = {event.op for event in tries if event.type == "fail"}
    allocating = {event.op for event in tries if event.value.get("verb") == "allocate"}
    return [(began[op], ended.get(op, float("inf"))) for op in allocating - refused]


def _refunds(truth: Truth, sale: StoredSale) -> Iterator[tuple[int, float]]:
    """List when a refund may have added units: from its being noted to their being known as home."""
    for order in sale.orders:
        for step in changes_of(order):
            if step["status"] == "refunded":
                home = truth.money.released.get(order["id"])
                yield wall_ms(step["at"]), wall_ms(home) if home else float("inf")


def find_passed_by_late_payers(_story: Story, truth: Truth) -> Iterator[Finding]:
    """Who paid too late is sold a unit again only where nobody waits, be it in line or on standby.

    The unit is taken between two lines of the order's history; somebody who waited all that time was passed.
    """
    for sale in truth.sales.values():
        for order in sale.orders:
            for after_ms, until_ms in _regained(order):
                for row in sale.intents:
                    decided_ms = wall_ms(row["decided_at"]) if row["decided_at"] else None
                    stays = row["status"] != "left" and (decided_ms is None or decided_ms > until_ms)
                    if stays and wall_ms(row["submitted_at"]) < after_ms:
                        detail = f"ticket {row['ticket']} waited while a late payer was sold a unit"
                        yield Finding("overtaken", detail, f"{row} {order}")


def _regained(order: Row) -> Iterator[tuple[int, int]]:
    """Between which times a late payer was sold the units again."""
    late_ms = 0
    for step in order["history"]:
        if step.get("reason") in CAME_LATE:
            late_ms = wall_ms(step["at"])
        elif step.get("reason") == HELD_AGAIN:
            yield late_ms, wall_ms(step["at"])


def _decisions(sale: StoredSale) -> list[_Decided]:
    orders = {order["intent_id"]: order for order in sale.orders}
    return [_decided(row, orders.get(row["id"])) for row in sale.intents if row["decided_at"]]


def _decided(row: Row, order: Row | None) -> _Decided:
    need = 1 if row["accept_fewer"] else row["quantity"]
    granted = order["quantity"] if order else 0
    return _Decided(row["ticket"], need, granted, wall_ms(row["decided_at"]), row["status"])


def wall_ms(text: str) -> int:
    """Read an RFC 3339 time as milliseconds since the epoch."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)
