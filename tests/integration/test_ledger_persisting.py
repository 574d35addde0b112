"""Persisting a claim: once, whole, fenced, and what is stored wins."""

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from models import ledger
from models.errors import Fenced, LineDiverged
from models.ids import new_intent_id
from models.ledger import Persisted
from models.live.records import Claim, UnitsBack
from tasks.intents.drain import finish_claim
from tasks.orders.holds import expire_due, release_pending
from tests.support.shop import SaleUnderTest, Shop
from tests.support.verdicts import got_nothing


def claim_of(sale: SaleUnderTest) -> Claim:
    claim = sale.context.live.claim(sale.id, 100).claim
    assert claim is not None
    return claim


def persist(sale: SaleUnderTest, claim: Claim) -> Persisted:
    with sale.context.database.connection() as connection:
        return ledger.persist_claim(connection, sale.id, claim)


def with_outcome(claim: Claim, outcome: str, granted: int) -> Claim:
    changed = tuple(replace(one, outcome=outcome, granted=granted) for one in claim.decisions)
    return replace(claim, decisions=changed)


@pytest.fixture
def sale(shop: Shop) -> SaleUnderTest:
    """An open sale of 2 units with 3 shoppers in line."""
    sale = shop.open_sale(units=2)
    sale.line_up(shop.shoppers(3))
    return sale


def test_a_retried_persist_writes_one_order_each(sale: SaleUnderTest) -> None:
    claim = claim_of(sale)
    first, again = persist(sale, claim), persist(sale, claim)
    assert first == again
    assert first.units_back == ()
    assert (len(sale.intents()), len(sale.orders()), sale.row().held) == (3, 2, 2)


def test_a_retried_persist_writes_one_event_an_order(sale: SaleUnderTest) -> None:
    claim = claim_of(sale)
    persist(sale, claim)
    persist(sale, claim)
    with sale.context.database.connection() as connection:
        assert connection.execute(text("SELECT count(*) FROM order_events")).scalar_one() == 2


def test_a_half_persisted_claim_is_completed(sale: SaleUnderTest) -> None:
    claim = claim_of(sale)
    persist(sale, replace(claim, decisions=claim.decisions[1:2]))
    persist(sale, claim)
    assert [intent.ticket for intent in sale.intents()] == [1, 2, 3]
    assert sale.row().held == 2


def test_a_stored_refusal_wins_over_a_grant_and_the_units_come_back(sale: SaleUnderTest) -> None:
    claim = claim_of(sale)
    persist(sale, with_outcome(replace(claim, decisions=claim.decisions[:2]), "sold_out", 0))
    assert finish_claim(sale.context, sale.id, claim)
    assert all(map(got_nothing, sale.statuses()))
    require_the_same_holds(sale, held=0, available=2)


def test_a_stored_grant_wins_over_a_refusal_and_takes_its_units(sale: SaleUnderTest) -> None:
    claim = claim_of(sale)
    first = replace(claim, decisions=claim.decisions[:1])
    persist(sale, first)
    [one] = first.decisions
    stored = persist(sale, with_outcome(first, "sold_out", 0))
    assert [kept.outcome for kept in stored.decisions] == ["held"]
    assert stored.units_back == (UnitsBack(one.intent_id, one.user_id, 0, 1),)
    assert len(sale.orders()) == 1


def test_a_stored_grant_of_fewer_units_wins(shop: Shop) -> None:
    sale = shop.open_sale(units=5, limit=3)
    sale.submit(shop.shopper(), quantity=3, accept_fewer=True)
    claim = claim_of(sale)
    persist(sale, with_outcome(claim, "held", 1))
    assert [one.granted for one in persist(sale, claim).decisions] == [1]
    assert finish_claim(sale.context, sale.id, claim)
    require_the_same_holds(sale, held=1, available=4)


def test_a_stored_grant_of_more_units_wins(shop: Shop) -> None:
    sale = shop.open_sale(units=5, limit=3)
    sale.submit(shop.shopper(), quantity=3, accept_fewer=True)
    claim = claim_of(sale)
    few = with_outcome(claim, "held", 1)
    persist(sale, claim)
    sale.context.live.settle(sale.id, claim, "[]", units_back=persist(sale, few).units_back)
    require_the_same_holds(sale, held=3, available=2)


def test_of_a_stored_grant_that_has_ended_nothing_is_held(shop: Shop) -> None:
    sale = shop.open_sale(units=5, limit=3)
    sale.submit(shop.shopper(), quantity=3, accept_fewer=True)
    claim = claim_of(sale)
    persist(sale, with_outcome(claim, "held", 1))
    sale.sql("UPDATE orders SET expires_at = now() - interval '1 s' WHERE sale_id = :sale_id")
    assert expire_due(sale.context) == 1
    assert finish_claim(sale.context, sale.id, claim)
    require_the_same_holds(sale, held=0, available=5)
    assert release_pending(sale.context) == 1
    require_the_same_holds(sale, held=0, available=5)
    assert sale.context.live.people(sale.id)[3] == {}


def require_the_same_holds(sale: SaleUnderTest, *, held: int, available: int) -> None:
    """Redis' counters are these, its holds and everybody's units are the ledger's."""
    number, row = sale.look().number, sale.row()
    assert (number("held"), number("available"), row.held) == (held, available, held)
    assert sale.audit().ok


def test_a_claim_of_another_epoch_writes_nothing(sale: SaleUnderTest) -> None:
    claim = replace(claim_of(sale), epoch="before")
    with pytest.raises(Fenced):
        persist(sale, claim)
    assert sale.intents() == []
    assert sale.row().held == 0


def test_a_claim_of_a_sale_that_the_ledger_does_not_have_writes_nothing(sale: SaleUnderTest) -> None:
    claim = claim_of(sale)
    with pytest.raises(Fenced), sale.context.database.connection() as connection:
        ledger.persist_claim(connection, uuid4(), claim)
    with sale.context.database.connection() as connection:
        assert connection.execute(text("SELECT count(*) FROM intents")).scalar_one() == 0


@pytest.mark.parametrize("table", ["sales", "users", "intents", "orders"])
def test_what_verdicts_and_orders_name_is_not_deleted(sale: SaleUnderTest, table: str) -> None:
    persist(sale, claim_of(sale))
    with pytest.raises(IntegrityError, match="still named"):
        sale.sql(f"DELETE FROM {table} WHERE :sale_id IS NOT NULL")  # noqa: S608 - of these four
    assert len(sale.orders()) == 2


def test_an_account_that_nothing_names_can_be_deleted(shop: Shop) -> None:
    sale, nobody = shop.open_sale(units=2), shop.shopper()
    sale.sql("DELETE FROM users WHERE id = :id AND :sale_id IS NOT NULL", id=nobody)


def test_another_intent_with_the_same_ticket_writes_nothing(sale: SaleUnderTest) -> None:
    claim = claim_of(sale)
    persist(sale, claim)
    stranger = replace(claim.decisions[0], intent_id=str(new_intent_id(sale.row().number)))
    with pytest.raises(LineDiverged):
        persist(sale, replace(claim, decisions=(stranger, *claim.decisions[1:])))
    assert len(sale.intents()) == 3


def test_an_intent_stored_for_somebody_else_is_no_repetition(sale: SaleUnderTest, shop: Shop) -> None:
    claim = claim_of(sale)
    persist(sale, claim)
    stolen = replace(claim.decisions[0], user_id=str(shop.shopper()))
    with pytest.raises(LineDiverged):
        persist(sale, replace(claim, decisions=(stolen,)))


def test_the_ledger_itself_refuses_to_oversell(sale: SaleUnderTest) -> None:
    claim = claim_of(sale)
    with pytest.raises(Exception, match="never_oversold"):
        persist(sale, with_outcome(claim, "held", 1))
    assert sale.intents() == []


def test_the_high_water_mark_never_goes_back(shop: Shop) -> None:
    sale = shop.open_sale(units=9)
    sale.line_up(shop.shoppers(4))
    first = sale.context.live.claim(sale.id, 2).claim
    second = sale.context.live.claim(sale.id, 2).claim
    assert first is not None
    assert second is not None
    persist(sale, second)
    persist(sale, first)
    assert sale.row().last_decided_ticket == 4


def test_a_poisoned_row_is_parked_alone(shop: Shop) -> None:
    sale = shop.open_sale(units=9)
    good, stranger = shop.shoppers(7), shop.nobody()
    sale.line_up([*good[:3], stranger, *good[3:]])
    sale.drain()
    assert [intent.ticket for intent in sale.intents()] == [1, 2, 3, 5, 6, 7, 8]
    assert set(sale.statuses()) == {"held"}
    look = sale.look()
    assert (look.parked, look.claims, look.number("held"), sale.row().held) == (1, 1, 8, 7)
    failed = [check.name for check in sale.audit().checks if not check.ok]
    assert failed == ["nothing_parked"]


def test_several_poisoned_rows_are_parked_together_apart(shop: Shop) -> None:
    sale = shop.open_sale(units=9)
    good = shop.shoppers(4)
    sale.line_up([shop.nobody(), good[0], shop.nobody(), *good[1:], shop.nobody()])
    sale.drain()
    assert [intent.ticket for intent in sale.intents()] == [2, 4, 5, 6]
    assert sale.look().parked == 1


def test_a_claim_of_poison_only_does_not_stop_the_line(shop: Shop) -> None:
    sale = shop.open_sale(units=9)
    sale.line_up([shop.nobody()])
    sale.drain()
    sale.line_up(shop.shoppers(2))
    sale.drain()
    assert [intent.ticket for intent in sale.intents()] == [2, 3]


def test_a_poisoned_claim_handed_out_again_changes_nothing(shop: Shop) -> None:
    sale = shop.open_sale(units=9)
    sale.line_up([*shop.shoppers(2), shop.nobody()])
    claim = claim_of(sale)
    finish_claim(shop.context, sale.id, claim)
    finish_claim(shop.context, sale.id, claim)
    assert (len(sale.intents()), sale.row().held) == (2, 2)
    assert sale.look().parked == 1
