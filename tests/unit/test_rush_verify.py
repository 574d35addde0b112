"""Each check of a rush is shown its fault; an honest rush yields nothing."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmarks.rush.manners import Manner
from benchmarks.verify.judge import CHECKS, verify
from benchmarks.verify.money_records import BookedCharge, Statement, StoredPayment, StoredRefund
from benchmarks.verify.testimony import Evidence, StoredIntent, StoredOrder, StoredSale, Told

MS = 1_000_000  # nanoseconds
PRICE = 1999
NOTHING = Statement()
DECLINED = StoredPayment("p0", "declined", PRICE)
PAID = StoredPayment("p1", "succeeded", PRICE)
LATE = Statement((StoredPayment("p1", "refunded", PRICE),), (StoredRefund("succeeded", "late", PRICE),))


def told(number: int, verdict: str) -> Told:
    """Shopper `number` was sent at its millisecond, answered three later, and decided ten later."""
    held = verdict == "held"
    return Told(
        shopper_id=f"u{number}",
        quantity=1,
        sent_ns=number * MS,
        answered_ns=(number + 3) * MS,
        answer=202,
        intent_ids=(f"i{number}",),
        tickets=(number,),
        decided_ns=(number + 10) * MS,
        final_ns=(number + 10) * MS,
        verdicts=(verdict,),
        heard_by="socket",
        order_ids=(f"o{number}",) if held else (),
        order_status="paid" if held else None,
        payment_answer=202 if held else None,
        statement=Statement((PAID,)) if held else None,
    )


def honest(held: int = 3, refused: int = 5) -> Evidence:
    """The first tickets got the units, the others heard so, and the books agree."""
    verdicts = ["held"] * held + ["sold_out"] * refused
    shoppers = tuple(told(number, verdict) for number, verdict in enumerate(verdicts, start=1))
    intents = tuple(
        StoredIntent(f"i{n}", n, 1, verdict, f"o{n}" if verdict == "held" else None)
        for n, verdict in enumerate(verdicts, start=1)
    )
    numbers = range(1, held + 1)
    return Evidence(
        units=held,
        told=shoppers,
        intents=intents,
        orders=tuple(StoredOrder(f"o{n}", f"i{n}", 1, "paid", PRICE, f"2026-{n:06}") for n in numbers),
        sale=StoredSale(held, 0, 0, held),
        audit={"ok": True},
        tells_receipts=True,
        books=tuple(BookedCharge(f"p{n}", f"o{n}", "succeeded", PRICE, 0) for n in numbers),
    )


def change_told(evidence: Evidence, number: int, **changes: object) -> Evidence:
    shoppers = list(evidence.told)
    shoppers[number - 1] = replace(shoppers[number - 1], **changes)  # type: ignore[arg-type]
    return replace(evidence, told=tuple(shoppers))


def change_intent(evidence: Evidence, number: int, **changes: object) -> Evidence:
    intents = list(evidence.intents)
    intents[number - 1] = replace(intents[number - 1], **changes)  # type: ignore[arg-type]
    return replace(evidence, intents=tuple(intents))


def change_order(evidence: Evidence, number: int, **changes: object) -> Evidence:
    orders = list(evidence.orders)
    orders[number - 1] = replace(orders[number - 1], **changes)  # type: ignore[arg-type]
    return replace(evidence, orders=tuple(orders))


def change_books(evidence: Evidence, number: int, **changes: object) -> Evidence:
    books = list(evidence.books or ())
    books[number - 1] = replace(books[number - 1], **changes)  # type: ignore[arg-type]
    return replace(evidence, books=tuple(books))


def let_expire(evidence: Evidence, number: int) -> Evidence:
    """Nobody pays: the hold is over, and its units are free; the others' receipts stay dense."""
    evidence = change_order(evidence, number, status="expired", receipt=None)
    evidence = change_told(
        evidence,
        number,
        order_status="expired",
        payment_answer=None,
        manner=Manner.LETS_EXPIRE,
        statement=NOTHING,
    )
    sale = StoredSale(evidence.units, 1, 0, evidence.units - 1)
    return change_books(replace(evidence, sale=sale), number, state="declined")


def broken(evidence: Evidence) -> set[str]:
    """The checks that found something."""
    return {check for check, found in verify(evidence).items() if found}


def test_an_honest_rush_yields_no_finding() -> None:
    assert broken(honest()) == set()
    assert verify(honest()).keys() == CHECKS.keys()


def test_a_rush_with_units_for_everybody_yields_no_finding() -> None:
    assert broken(replace(honest(3, 0), units=9, sale=StoredSale(9, 6, 0, 3))) == set()


def test_units_that_fit_nobody_are_not_undersold() -> None:
    evidence = honest(1, 1)
    pair = tuple(replace(shopper, quantity=2) for shopper in evidence.told)
    rows = tuple(replace(intent, quantity=2) for intent in evidence.intents)
    orders = tuple(replace(order, quantity=2) for order in evidence.orders)
    sale = StoredSale(3, 1, 0, 2)
    assert broken(replace(evidence, units=3, told=pair, intents=rows, orders=orders, sale=sale)) == set()


def test_being_late_for_a_sale_that_is_over_is_no_finding() -> None:
    late = replace(told(9, "none"), answer=410, refusal="sale_over", intent_ids=(), tickets=(), verdicts=())
    evidence = honest()
    assert broken(replace(evidence, told=(*evidence.told, late))) == set()


def test_an_intent_whose_answer_never_came_is_no_second_ticket() -> None:
    evidence = change_told(honest(), 8, answer=None, answered_ns=None, intent_ids=(), tickets=(), verdicts=())
    assert broken(evidence) == {"unserved"}


def test_stock_that_came_back_may_be_held_again() -> None:
    evidence = let_expire(honest(4, 4), 1)
    assert broken(replace(evidence, units=3, sale=StoredSale(3, 0, 0, 3))) == set()


def test_a_charge_that_came_too_late_and_went_back_is_no_finding() -> None:
    evidence = change_told(let_expire(honest(4, 4), 1), 1, manner=Manner.PAYS, statement=LATE)
    evidence = change_books(evidence, 1, state="succeeded", refunded_minor=PRICE)
    assert broken(replace(evidence, units=3, sale=StoredSale(3, 0, 0, 3))) == set()


def test_who_was_declined_and_then_paid_is_no_finding() -> None:
    evidence = change_told(honest(), 1, manner=Manner.DECLINED_FIRST, statement=Statement((DECLINED, PAID)))
    books = (*(evidence.books or ()), BookedCharge("p0", "o1", "declined", PRICE, 0))
    assert broken(replace(evidence, books=books)) == set()


def test_receipts_of_other_sales_in_between_are_no_gap() -> None:
    evidence = change_order(honest(), 3, receipt="2026-000005")
    assert broken(replace(evidence, receipts_elsewhere=frozenset({"2026-000003", "2026-000004"}))) == set()


def test_a_shop_that_tells_nothing_of_money_is_judged_by_the_rest() -> None:
    silent = replace(honest(), tells_receipts=False, books=None)
    told = tuple(replace(one, statement=None) for one in silent.told)
    orders = tuple(replace(one, receipt=None) for one in silent.orders)
    assert broken(replace(silent, told=told, orders=orders)) == set()


Plant = Callable[[Evidence], Evidence]

FAULTS: dict[str, tuple[str, Plant]] = {
    "clients were told more than there is": ("oversold", lambda e: replace(e, units=2)),
    "orders for more than there is": (
        "oversold",
        lambda e: replace(e, orders=(*e.orders, StoredOrder("o4", "i4", 1, "held"))),
    ),
    "the sale counts more than there is": ("oversold", lambda e: replace(e, sale=StoredSale(3, 0, 1, 3))),
    "a unit was left while the told were refused": (
        "undersold",
        lambda e: change_told(e, 3, verdicts=("sold_out",)),
    ),
    "a unit was left while the stored were refused": (
        "undersold",
        lambda e: change_intent(e, 3, status="rejected"),
    ),
    "a told loser before a told winner": (
        "fifo",
        lambda e: change_told(change_told(e, 2, tickets=(5,)), 5, tickets=(2,)),
    ),
    "a stored loser before a stored winner": (
        "fifo",
        lambda e: change_intent(change_intent(e, 2, ticket=5), 5, ticket=2),
    ),
    "a number left out": ("fifo", lambda e: change_intent(e, 8, ticket=9)),
    "a number given twice": ("fifo", lambda e: change_intent(e, 8, ticket=7)),
    "a number told twice": ("fifo", lambda e: change_told(e, 8, tickets=(7,))),
    "no number": ("fifo", lambda e: change_intent(e, 8, ticket=None)),
    "accepted first, numbered later": ("fifo", lambda e: change_told(e, 3, sent_ns=100 * MS)),
    "no verdict heard": ("lost", lambda e: change_told(e, 5, verdicts=())),
    "accepted and not stored": ("lost", lambda e: replace(e, intents=e.intents[:-1])),
    "stored and never decided": ("lost", lambda e: change_intent(e, 5, status="standby")),
    "paid for without an outcome": ("lost", lambda e: change_told(e, 1, order_status="paying")),
    "refused a payment, and held for ever": (
        "lost",
        lambda e: change_told(e, 1, payment_answer=409, order_status="held"),
    ),
    "left to expire, and held for ever": (
        "lost",
        lambda e: change_told(e, 1, manner=Manner.LETS_EXPIRE, payment_answer=None, order_status="held"),
    ),
    "kept out": ("unserved", lambda e: change_told(e, 5, answer=500)),
    "two verdicts": ("doubled", lambda e: change_told(e, 1, verdicts=("held", "sold_out"))),
    "two intents for one shopper": ("doubled", lambda e: change_told(e, 1, intent_ids=("i1", "i9"))),
    "two orders told": ("doubled", lambda e: change_told(e, 1, order_ids=("o1", "o9"))),
    "one intent for two shoppers": ("doubled", lambda e: change_told(e, 5, intent_ids=("i6",))),
    "two orders stored": (
        "doubled",
        lambda e: replace(e, orders=(*e.orders, StoredOrder("o9", "i1", 1, "expired"))),
    ),
    "an intent stored twice": ("doubled", lambda e: replace(e, intents=(*e.intents, e.intents[0]))),
    "an order stored twice": ("doubled", lambda e: replace(e, orders=(*e.orders, e.orders[0]))),
    "an intent that nobody was told of": (
        "doubled",
        lambda e: replace(e, intents=(*e.intents, StoredIntent("i9", 9, 1, "sold_out", None))),
    ),
    "told held, stored sold out": ("told_not_stored", lambda e: change_intent(e, 1, status="sold_out")),
    "another ticket stored": ("told_not_stored", lambda e: change_told(e, 8, tickets=(8, 9))),
    "another quantity stored": ("told_not_stored", lambda e: change_intent(e, 5, quantity=2)),
    "another order stored": ("told_not_stored", lambda e: change_intent(e, 1, order_id="o2")),
    "held without word of the order": ("told_not_stored", lambda e: change_told(e, 1, order_ids=())),
    "paid, but the order is not": (
        "told_not_stored",
        lambda e: replace(e, orders=(replace(e.orders[0], status="held"), *e.orders[1:])),
    ),
    "held without an order": ("told_not_stored", lambda e: replace(e, orders=e.orders[1:])),
    "an order of nobody": (
        "told_not_stored",
        lambda e: replace(e, orders=(*e.orders, StoredOrder("o9", "i77", 1, "expired"))),
    ),
    "units vanish": ("conservation", lambda e: replace(e, sale=StoredSale(3, 0, 0, 2))),
    "less than nothing is available": ("conservation", lambda e: replace(e, sale=StoredSale(3, -1, 1, 3))),
    "the allocation moved": ("conservation", lambda e: replace(e, sale=StoredSale(4, 1, 0, 3))),
    "sold is not what orders say": ("conservation", lambda e: replace(e, sale=StoredSale(3, 0, 1, 2))),
    "an expired unit that nobody got": ("unsold", lambda e: let_expire(e, 2)),
    "a charge kept twice, by the shop": (
        "double_charges",
        lambda e: change_told(e, 1, statement=Statement((PAID, replace(PAID, id="p9")))),
    ),
    "a charge kept twice, by the provider": (
        "double_charges",
        lambda e: replace(e, books=(*(e.books or ()), BookedCharge("p9", "o1", "succeeded", PRICE, 0))),
    ),
    "charged without being asked to, by the shop": (
        "double_charges",
        lambda e: change_told(let_expire(e, 1), 1, statement=LATE),
    ),
    "charged without being asked to, by the provider": (
        "double_charges",
        lambda e: change_books(let_expire(e, 1), 1, state="succeeded", refunded_minor=PRICE),
    ),
    "charged too little": (
        "money",
        lambda e: change_told(e, 1, statement=Statement((replace(PAID, amount_minor=1),))),
    ),
    "paid, and no charge told": ("money", lambda e: change_told(e, 1, statement=NOTHING)),
    "paid, and nothing told": ("money", lambda e: change_told(e, 1, statement=None)),
    "paid, and the provider has nothing": ("money", lambda e: replace(e, books=(e.books or ())[1:])),
    "paid, and the provider has none at all": ("money", lambda e: replace(e, books=())),
    "paid, and the provider declined": ("money", lambda e: change_books(e, 1, state="declined")),
    "paid, and the provider gave it back": ("money", lambda e: change_books(e, 1, refunded_minor=PRICE)),
    "refunded twice": (
        "money",
        lambda e: change_told(e, 1, statement=replace(LATE, refunds=LATE.refunds * 2)),
    ),
    "paid units that the sale does not count": (
        "paid_without_units",
        lambda e: replace(e, sale=StoredSale(3, 1, 0, 2)),
    ),
    "a charge kept for a hold that is gone, by the shop": (
        "paid_without_units",
        lambda e: change_told(let_expire(e, 1), 1, statement=Statement((PAID,))),
    ),
    "a charge kept for a hold that is gone, by the provider": (
        "paid_without_units",
        lambda e: change_books(let_expire(e, 1), 1, state="succeeded"),
    ),
    "paid without a receipt": ("receipts", lambda e: change_order(e, 1, receipt=None)),
    "a receipt without a payment": (
        "receipts",
        lambda e: change_order(let_expire(e, 1), 1, receipt="2026-000001"),
    ),
    "a receipt's number given twice": ("receipts", lambda e: change_order(e, 1, receipt="2026-000002")),
    "a receipt's number left out": ("receipts", lambda e: change_order(e, 3, receipt="2026-000004")),
    "the shop's audit fails": ("audit", lambda e: replace(e, audit={"ok": False})),
    "the shop's audit says nothing": ("audit", lambda e: replace(e, audit={})),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught(name: str) -> None:
    check, plant = FAULTS[name]
    assert check in broken(plant(honest()))


def test_a_late_ticket_is_judged_by_when_it_was_first_sent() -> None:
    slow = change_told(honest(), 1, answered_ns=500 * MS)  # answered last, but sent first
    assert broken(slow) == set()
