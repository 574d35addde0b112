"""Checks the stock: in every snapshot, at every instant of the orders, and at the end."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.verify.testimony import GIVEN_BACK, Finding
from tests.chaos.check_line import wall_ms
from tests.chaos.history import FAIL, INVOKE, OK, Event
from tests.chaos.order_ways import HELD_AGAIN, changes_of, is_a_way
from tests.chaos.story import Story
from tests.chaos.truth import Row, StoredSale, Truth


def find_unbalanced(story: Story, _truth: Truth) -> Iterator[Finding]:
    """`allocation = available + held + sold` in every snapshot, and none of them below zero (bank test)."""
    for event in story.events:
        if event.what == "snapshot" and event.type == OK:
            yield from _weigh(event.value, str(event))


def _weigh(figures: Row, row: str) -> Iterator[Finding]:
    parts = (figures["available"], figures["held"], figures["sold"])
    if figures["allocation"] != sum(parts):
        yield Finding("bank", "allocation is not available + held + sold", row)
    if min(parts) < 0 or figures["held"] + figures["sold"] > figures["allocation"]:
        yield Finding("oversold", "more is held and sold than there is", row)


def find_oversold(story: Story, truth: Truth) -> Iterator[Finding]:
    """Replays the orders: at no instant are more units out than the admin may have put in."""
    for sale_id, sale in truth.sales.items():
        asked = _allocations(story, sale_id)
        units = 0
        for at_ms, change, order in sorted(_moves(sale), key=lambda move: (move[0], move[1])):
            units += change
            ceiling = max((one.units for one in asked if one.may_hold_at(at_ms, asked)), default=0)
            if change > 0 and units > ceiling:
                yield Finding("oversold", f"{units} units out of {ceiling}", order)


def find_wrong_allocation(story: Story, truth: Truth) -> Iterator[Finding]:
    """The allocation is in the end what the admin asked for last."""
    for sale_id, sale in truth.sales.items():
        asked = _allocations(story, sale_id)
        possible = {one.units for one in asked if one.may_hold_at(None, asked)}
        if sale.sale["allocation"] not in possible:
            yield Finding(
                "allocation",
                f"it is {sale.sale['allocation']}, asked for was {sorted(possible)}",
                f"{sale_id} {asked}",
            )


def find_units_astray(_story: Story, truth: Truth) -> Iterator[Finding]:
    """In the end every unit is home or sold, once; every order's history is one that may be."""
    for sale_id, sale in truth.sales.items():
        if sale.sale["held"]:
            yield Finding("units_home", f"held {sale.sale['held']} in the end", sale_id)
        for order in sale.orders:
            yield from _find_bad_history(order)


def _find_bad_history(order: Row) -> Iterator[Finding]:
    changes = changes_of(order)
    statuses = [step["status"] for step in changes]
    if statuses[:1] != ["held"] or not is_a_way(statuses) or statuses[-1] != order["status"]:
        yield Finding("units_home", f"its history is {statuses}", str(order))
    elif order["status"] in {"held", "paying"}:
        yield Finding("units_home", "its hold never ended", str(order))
    for step in changes:
        if step["status"] == "expired" and wall_ms(step["at"]) < wall_ms(order["expires_at"]):
            yield Finding("units_home", "it expired before its time", str(order))


def _moves(sale: StoredSale) -> Iterator[tuple[int, int, str]]:
    for order in sale.orders:
        yield wall_ms(order["created_at"]), order["quantity"], str(order)
        for step in changes_of(order):
            if step["status"] in GIVEN_BACK:
                yield wall_ms(step["at"]), -order["quantity"], str(order)
            elif step.get("reason") == HELD_AGAIN:
                yield wall_ms(step["at"]), order["quantity"], str(order)


@dataclass(frozen=True, slots=True)
class _Allocation:
    """An allocation that the admin asked for; `ended_ms` None: nobody knows whether it was made."""

    units: int
    began_ms: int
    ended_ms: int | None

    def may_hold_at(self, at_ms: int | None, others: "list[_Allocation]") -> bool:
        """Whether it may be in force: asked for, and not surely followed by another. None: in the end."""
        if at_ms is not None and self.began_ms > at_ms:
            return False
        return not any(
            other.ended_ms is not None
            and other.began_ms > self.began_ms
            and (at_ms is None or other.ended_ms < at_ms)
            for other in others
        )


def _allocations(story: Story, sale: str) -> list[_Allocation]:
    tries = [
        event
        for event in story.events
        if event.what == "admin" and event.sale == sale and "allocation" in event.value
    ]
    ends: dict[int, Event] = {event.op: event for event in tries if event.type != INVOKE}
    found = []
    for event in tries:
        end = ends.get(event.op)
        is_opening = event.value["verb"] == "open"
        if event.type != INVOKE or (end is not None and end.type == FAIL and not is_opening):
            continue
        ended_ms = end.wall_ms if end is not None and end.type == OK else None
        found.append(_Allocation(event.value["allocation"], 0 if is_opening else event.wall_ms, ended_ms))
    return found
