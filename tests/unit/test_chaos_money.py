"""The offline checker of money: an honest till yields nothing, every planted fault is caught by its check."""

import pytest

from tasks.providers.sandbox.methods import terms_of
from tests.chaos.checker import CHECKS, count_figures
from tests.chaos.errands import METHODS
from tests.chaos.order_ways import leads_to
from tests.chaos.story import read_story
from tests.chaos.truth import StoredSale, Truth
from tests.unit.chaos_plant import PRICE, SALE, Change, Plant, at, changed, honest, honest_till

KEPT = {"refunded_minor": 0, "refund_id": None}

FAULTS: dict[str, tuple[set[str], tuple[Change, ...]]] = {
    "the shop knows nothing of a charge": (
        {"charges", "sums"},
        (lambda p: p.money.charges.append({**p.money.charges[0], "payment_id": "p99"}),),
    ),
    "a charge of another amount": (
        {"charges", "unpaid", "sums"},
        (lambda p: p.money.charges[0].update(amount_minor=PRICE + 1),),
    ),
    "a charge is kept for an expired order": (
        {"charges", "receipts", "sums", "units_home", "unpaid"},
        (lambda p: p.way(1, ("paying", 600, None), ("held", 3501, None), ("expired", 3502, None)),),
    ),
    "a charge was made although the shop says declined": (
        {"charges", "sums"},
        (lambda p: p.charge(1, "declined"),),
    ),
    "a charge may still be made and nobody waits for it": (
        {"charges"},
        (lambda p: p.charge(1, "declined", state="pending"),),
    ),
    "a second charge of a paid order": ({"unpaid", "sums"}, (lambda p: p.charge(1, "succeeded"),)),
    "a charge went back while its order is paid": (
        {"charges", "unpaid", "sums"},
        (lambda p: p.money.charges[0].update(refunded_minor=PRICE),),
    ),
    "a charge went back in part": (
        {"charges", "sums"},
        (lambda p: p.money.charges[1].update(refunded_minor=PRICE - 1),),
    ),
    "the shop believes money to have gone back": (
        {"charges", "unpaid", "sums"},
        (lambda p: p.money.charges[1].update(KEPT),),
    ),
    "the provider declined what the shop counts": (
        {"charges", "unpaid", "sums"},
        (lambda p: p.money.charges[0].update(state="declined"),),
    ),
    "a paid order without any charge": (
        {"unpaid", "sums"},
        (lambda p: p.money.charges.pop(0), lambda p: p.money.payments.pop(0)),
    ),
    "a paid order without its unit": ({"units_home"}, (lambda p: p.sale.update(available=2, sold=1),)),
    "a late charge was neither held again nor given back": (
        {"charges", "late"},
        (
            lambda p: p.order(4)["history"].pop(),
            lambda p: p.money.payments[-1].update(status="late"),
            lambda p: p.money.refunds.pop(),
            lambda p: p.money.charges[-1].update(KEPT),
        ),
    ),
    "a late charge was held again and given back": (
        {"late"},
        (
            lambda p: p.order(3)["history"].append(
                {"status": "paid", "at": at(5200), "reason": "late_payment_refunded"}
            ),
        ),
    ),
    "who had the unit was given the money back as if not": (
        {"late"},
        (lambda p: p.order(2)["history"][-1].update(reason="duplicate"),),
    ),
    "a payment went back twice": ({"late"}, (lambda p: p.refund("p2", "o2", "failed"),)),
    "a hole in the numbers of receipts": (
        {"receipts"},
        (
            lambda p: p.money.receipts[-1].update(number=4),
            lambda p: p.order(3).update(receipt_number="2026-000004"),
        ),
    ),
    "a paid order without a receipt": ({"receipts"}, (lambda p: p.money.receipts.pop(),)),
    "a receipt over another sum": (
        {"receipts"},
        (lambda p: p.money.receipts[0].update(total_minor=PRICE - 1),),
    ),
    "a receipt of who never paid": (
        {"receipts"},
        (
            lambda p: p.money.receipts.append(
                {"order_id": "o4", "year": 2026, "number": 4, "total_minor": PRICE}
            ),
        ),
    ),
    "a webhook was taken and not applied": ({"webhooks"}, (lambda p: p.post("w2", 200),)),
    "who was told paid has not": ({"told_not_stored"}, (lambda p: p.see("d", 9000, "o4", "paid"),)),
    "a paid order is told to be held again": ({"taken_back"}, (lambda p: p.see("c", 5500, "o3", "held"),)),
    "a socket tells older news after newer": (
        {"taken_back"},
        (lambda p: p.hear("a", "o1", "paid", "paying"),),
    ),
    "money does not settle in time": ({"liveness"}, (lambda p: p.rest.update(money_settled_s=None),)),
    "who waits is passed by who paid late": (
        {"overtaken"},
        (
            lambda p: p.submit("g", 4000, 5),
            lambda p: p.store(5, "sold_out", 9000, submitted_at=at(4000)),
        ),
    ),
    "a unit that was sold again is given to another": (
        {"oversold", "overtaken"},
        (lambda p: p.submit("g", 4600, 5), lambda p: p.store(5, "held", 5500)),
    ),
}
NO_FAULTS: dict[str, tuple[Change, ...]] = {
    "the provider refuses to give a late charge back": (
        lambda p: p.order(4)["history"].pop(),
        lambda p: p.money.payments[-1].update(status="late"),
        lambda p: p.money.refunds[-1].update(status="failed"),
        lambda p: p.money.charges[-1].update(KEPT),
    ),
    "an answer is older that was asked for before the other came": (
        lambda p: p.do("order", "c", 4990, 5300, "ok", order="o3", status="expired"),
    ),
    "who comes while a late payer is sold a unit is refused": (
        lambda p: p.submit("g", 4600, 5),
        lambda p: p.store(5, "sold_out", 9000, submitted_at=at(4600)),
    ),
}


def test_an_honest_till_yields_nothing() -> None:
    assert honest_till().judged() == {check: [] for check in CHECKS}


@pytest.mark.parametrize("what", FAULTS)
def test_a_planted_fault_of_a_till_is_caught_by_its_check(what: str) -> None:
    checks, changes = FAULTS[what]
    assert changed(honest_till(), changes).broken() == checks


@pytest.mark.parametrize("what", NO_FAULTS)
def test_what_may_be_is_no_fault_of_a_till(what: str) -> None:
    assert changed(honest_till(), NO_FAULTS[what]).broken() == set()


def refused_before_a_refund(refused_ms: int) -> Plant:
    """The third is refused, and the fourth is granted what the refund of the second brought after that."""
    plant = honest()
    plant.way(2, ("paying", 600, None), ("paid", 700, None), ("refunded", 1500, "admin"))
    plant.charge(2, "refunded")
    plant.money.released["o2"] = at(1600)
    plant.submit("g", 700, 5)
    plant.store(5, "sold_out", refused_ms)
    plant.submit("h", 800, 6)
    plant.store(6, "held", 4010)
    return plant


@pytest.mark.parametrize(("refused_ms", "broken"), [(1550, set()), (3900, {"overtaken"})])
def test_a_unit_that_a_refund_brought_excuses_a_refusal_before_it_only(
    refused_ms: int, broken: set[str]
) -> None:
    assert refused_before_a_refund(refused_ms).broken() == broken


@pytest.mark.parametrize(
    ("before", "after", "may_be"),
    [
        ("held", "paid", True),
        ("held", "refunded", True),
        ("expired", "refunded", True),
        ("paying", "cancelled", True),
        ("paid", "paying", False),
        ("paid", "expired", False),
        ("cancelled", "paid", False),
        ("refunded", "paid", False),
    ],
)
def test_an_order_goes_only_the_ways_that_there_are(before: str, after: str, may_be: bool) -> None:
    assert leads_to(before, after) is may_be


def test_what_became_of_money_is_counted() -> None:
    plant = honest_till()
    rows = StoredSale(plant.sale, plant.intents, plant.orders, plant.audit, plant.owners)
    figures = count_figures(read_story(plant.events), Truth({SALE: rows}, plant.money))
    assert figures["payments"] == {"succeeded": 2, "refunded": 2, "declined": 1}
    late = {"paid_too_late": 2, "paid_twice": 0, "held_again": 1, "late_payment_refunded": 1}
    assert figures["late_charges"] == {**late, "second_payment_refunded": 0}
    assert figures["webhooks"] == {"200": 1, "503": 1}
    assert figures["receipts"] == 3


def test_every_method_of_the_soak_is_one_of_the_sandbox() -> None:
    assert all(terms_of(method) for method in METHODS)
