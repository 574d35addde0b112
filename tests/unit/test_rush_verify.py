"""Each check of a rush is shown its fault; an honest rush yields nothing."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmarks.records import Evidence, StoredIntent, StoredOrder, StoredSale, Told
from benchmarks.verify import CHECKS, verify

MS = 1_000_000  # nanoseconds


def told(number: int, verdict: str) -> Told:
    """Shopper `number` was sent at its millisecond, answered three later, and decided ten later."""
    held = verdict == "held"
    return Told(
        shopper_id=f"u{number}",
        quantity=1,
        sent_ns=number * MS,
        answered_ns=(number + 3) * MS,
        answer=202,
        refusal=None,
        intent_ids=(f"i{number}",),
        tickets=(number,),
        decided_ns=(number + 10) * MS,
        final_ns=(number + 10) * MS,
        verdicts=(verdict,),
        heard_by="socket",
        order_ids=(f"o{number}",) if held else (),
        order_status="paid" if held else None,
        payment_answer=202 if held else None,
        resubmits=0,
        throttled=0,
        reconnects=0,
    )


def honest(held: int = 3, refused: int = 5) -> Evidence:
    """The first tickets got the units, the others heard so, and the books agree."""
    verdicts = ["held"] * held + ["sold_out"] * refused
    shoppers = tuple(told(number, verdict) for number, verdict in enumerate(verdicts, start=1))
    intents = tuple(
        StoredIntent(f"i{n}", n, 1, verdict, f"o{n}" if verdict == "held" else None)
        for n, verdict in enumerate(verdicts, start=1)
    )
    orders = tuple(StoredOrder(f"o{n}", f"i{n}", 1, "paid") for n in range(1, held + 1))
    return Evidence(held, shoppers, intents, orders, StoredSale(held, 0, 0, held), {"ok": True})


def change_told(evidence: Evidence, number: int, **changes: object) -> Evidence:
    shoppers = list(evidence.told)
    shoppers[number - 1] = replace(shoppers[number - 1], **changes)  # type: ignore[arg-type]
    return replace(evidence, told=tuple(shoppers))


def change_intent(evidence: Evidence, number: int, **changes: object) -> Evidence:
    intents = list(evidence.intents)
    intents[number - 1] = replace(intents[number - 1], **changes)  # type: ignore[arg-type]
    return replace(evidence, intents=tuple(intents))


def broken(evidence: Evidence) -> set[str]:
    """The checks that found something."""
    return {check for check, found in verify(evidence).items() if found}


def test_an_honest_rush_yields_no_finding() -> None:
    assert broken(honest()) == set()
    assert tuple(verify(honest())) == CHECKS


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
    evidence = honest(4, 4)
    orders = (replace(evidence.orders[0], status="expired"), *evidence.orders[1:])
    evidence = replace(evidence, units=3, orders=orders, sale=StoredSale(3, 0, 0, 3))
    evidence = change_told(evidence, 1, order_status="expired", payment_answer=None)
    assert broken(evidence) == set()


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
