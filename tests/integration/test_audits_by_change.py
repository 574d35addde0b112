"""Audits of running sales: what did not move is not read again, and all keep to their share of a core."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from models.audit.gathering import Reading
from models.audit.gathering import read as read_both_stores
from models.live.audits import AuditNote
from tasks.payments.begin import begin_payment
from tasks.sales import auditing
from tasks.sales.auditing import CONFIRM_MS, READ_AGAIN_MS, audit_moved_sales
from tests.support.shop import SaleUnderTest, Shop


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The sales that audits read, in their order."""
    made: list[UUID] = []

    def noting(database: Any, live: Any, sale_id: UUID) -> Reading:
        made.append(sale_id)
        return read_both_stores(database, live, sale_id)

    monkeypatch.setattr("models.audit.sale.read", noting)
    return made


@pytest.fixture
def sales(shop: Shop) -> list[SaleUnderTest]:
    """Three running sales, with holds, at rest and audited."""
    made = [shop.open_sale(3) for _ in range(3)]
    for sale in made:
        sale.line_up(shop.shoppers(2))
        sale.drain()
    audited: set[str] = set()
    while len(audited) < len(made):
        audited |= {audit.sale_id for audit in round_of(shop)}
    return made


def round_of(shop: Shop, share: float = 0.5) -> list[Any]:
    """Audit what moved, whether or not an earlier round used its share up."""
    shop.context.live.set_turn("audits", 0)
    settings = replace(shop.context.settings, audit_share=share)
    return audit_moved_sales(replace(shop.context, settings=settings))


def note_of(sale: SaleUnderTest) -> AuditNote:
    note = sale.context.live.noted_audit(sale.id)
    assert note is not None
    return note


def test_sales_that_did_not_move_are_not_read(
    shop: Shop, sales: list[SaleUnderTest], read: list[UUID]
) -> None:
    assert round_of(shop) == []
    assert read == []
    sales[1].submit(shop.shopper())
    sales[1].drain()
    [audit] = round_of(shop)
    assert set(read) == {sales[1].id}
    assert (audit.ok, audit.in_flight) == (True, False)


def test_money_that_is_under_way_is_read_until_it_is_settled(
    shop: Shop, sales: list[SaleUnderTest], read: list[UUID]
) -> None:
    [order, *_] = sales[0].orders()
    begin_payment(shop.context, order.user_id, order.id, method="sandbox_ok")
    for _ in range(2):
        read.clear()
        round_of(shop)
        assert set(read) == {sales[0].id}


def test_what_was_written_past_all_marks_is_found_within_a_minute(
    shop: Shop, sales: list[SaleUnderTest], read: list[UUID]
) -> None:
    sales[2].sql("UPDATE orders SET quantity = quantity + 1 WHERE sale_id = :sale_id")
    assert round_of(shop) == []
    note = note_of(sales[2])
    shop.context.live.note_audit(sales[2].id, replace(note, read_ms=note.read_ms - READ_AGAIN_MS))
    [audit] = round_of(shop)
    assert not audit.ok
    read.clear()
    round_of(shop)
    assert set(read) == {sales[2].id}  # a broken one is read every time


def test_that_nothing_moved_is_noted_so_that_its_verdicts_stand(
    shop: Shop, sales: list[SaleUnderTest]
) -> None:
    note = note_of(sales[0])
    shop.context.live.note_audit(sales[0].id, replace(note, at_ms=note.at_ms - CONFIRM_MS))
    assert round_of(shop) == []
    assert note_of(sales[0]).at_ms >= note.at_ms
    assert note_of(sales[0]).read_ms == note.read_ms


def test_audits_rest_until_their_share_has_room_for_more(
    shop: Shop, sales: list[SaleUnderTest], read: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock at which each audit takes a second: of three that moved one is read, and then none."""
    for sale in sales:
        sale.submit(shop.shopper())
        sale.drain()
    now = [0.0]

    class Clock:
        @staticmethod
        def monotonic() -> float:
            now[0] += 0.5
            return now[0]

    monkeypatch.setattr(auditing, "time", Clock)
    first, second = round_of(shop, share=0.1), round_of(shop, share=0.1)
    assert [len(first), len(second)] == [1, 1]
    assert first[0].sale_id != second[0].sale_id  # who was not read for longest comes first
    took = read.copy()
    assert audit_moved_sales(shop.context) == []  # the turn is not over
    assert read == took
    assert note_of(sales[0]).round_ms > 0 or note_of(sales[1]).round_ms > 0


def test_who_is_in_flight_is_not_read_by_name(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sale = shop.open_sale(3)
    sale.line_up(shop.shoppers(5))
    sale.context.live.claim(sale.id, 2)
    monkeypatch.setattr(type(shop.context.live), "people", pytest.fail)
    [audit] = round_of(shop)
    assert (audit.ok, audit.in_flight) == (True, True)
