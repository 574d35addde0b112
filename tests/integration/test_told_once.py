"""What was told of an intent is not taken back while its claim lies unsettled, or while its line is away."""

from typing import Any
from uuid import UUID

import pytest

from models.enums import IntentStatus
from models.errors import LedgerUnavailable, LineUnavailable
from models.live.records import Claim
from tasks.intents import finding
from tasks.intents.drain import finish_claim
from tasks.intents.submit import find_intent, leave_line
from tests.support.shop import SaleUnderTest, Shop


def claimed(sale: SaleUnderTest) -> Claim:
    claim = sale.context.live.claim(sale.id, 10, lease_ms=60_000).claim
    assert claim is not None
    return claim


def status(sale: SaleUnderTest, intent_id: UUID) -> str:
    return str(find_intent(sale.context, intent_id)[0]["status"])


def no_answer(*_: Any, **__: Any) -> Any:
    raise LineUnavailable("away")


def test_a_verdict_that_is_stored_and_not_settled_is_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = shop.open_sale(1)
    [first, second] = sale.line_up(shop.shoppers(2))
    claim = claimed(sale)
    assert status(sale, first) == IntentStatus.QUEUED
    with monkeypatch.context() as patch:
        patch.setattr(sale.context.live, "settle", no_answer)
        with pytest.raises(LineUnavailable):
            finish_claim(sale.context, sale.id, claim)
    found, owner = find_intent(sale.context, first)
    assert (found["status"], found["order_id"]) == ("held", str(sale.orders()[0].id))
    assert owner == sale.orders()[0].user_id
    assert status(sale, second) == IntentStatus.STANDBY


def test_while_the_ledger_is_away_what_is_decided_is_told_as_the_line_knows_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> Any:
        raise LedgerUnavailable("away")

    sale = shop.open_sale(1)
    [intent] = sale.line_up(shop.shoppers(1))
    claimed(sale)
    monkeypatch.setattr(finding, "stored_intents", away)
    assert status(sale, intent) == IntentStatus.QUEUED


def test_an_intent_that_left_standby_is_not_told_to_stand_by_when_the_line_is_away(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = shop.open_sale(1)
    users = shop.shoppers(2)
    [held, standby] = sale.line_up(users)
    sale.drain()
    assert leave_line(sale.context, users[1], standby)["status"] == IntentStatus.LEFT
    monkeypatch.setattr(sale.context.live, "find_each", no_answer)
    assert status(sale, held) == IntentStatus.HELD
    with pytest.raises(LineUnavailable):
        find_intent(sale.context, standby)
