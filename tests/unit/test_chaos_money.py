"""The offline checker of money: an honest till yields nothing, every planted fault is caught by its check."""

import pytest

from tests.chaos.checker import CHECKS, count_figures
from tests.chaos.errands import METHODS
from tests.chaos.order_ways import leads_to
from tests.chaos.story import read_story
from tests.chaos.truth import StoredSale, Truth
from tests.unit.chaos_plant import PRICE, SALE, Plant, at, honest, honest_till


def test_an_honest_till_yields_nothing() -> None:
    assert honest_till().judged() == {check: [] for check in CHECKS}


def test_a_charge_of_which_the_shop_knows_nothing_is_found() -> None:
    plant = honest_till()
    plant.money.charges.append({**plant.money.charges[0], "payment_id": "p99"})
    assert plant.broken() == {"charges", "sums"}


def test_a_charge_of_another_amount_is_found() -> None:
    plant = honest_till()
    plant.money.charges[0]["amount_minor"] = PRICE + 1
    assert plant.broken() == {"charges", "unpaid", "sums"}


def test_a_charge_that_is_kept_for_an_expired_order_is_found() -> None:
    plant = honest_till()
    plant.way(1, ("paying", 600, None), ("held", 3501, None), ("expired", 3502, None))
    assert "charges" in plant.broken()


def test_a_charge_that_was_made_although_the_shop_says_declined_is_found() -> None:
    plant = honest_till()
    plant.charge(1, "declined")
    assert plant.broken() == {"charges", "sums"}


def test_a_charge_that_may_still_be_made_and_that_nobody_waits_for_is_found() -> None:
    plant = honest_till()
    plant.charge(1, "declined", state="pending")
    assert plant.broken() == {"charges"}


def test_a_second_charge_of_a_paid_order_is_found() -> None:
    plant = honest_till()
    plant.charge(1, "succeeded")
    assert plant.broken() == {"unpaid", "sums"}


def test_a_charge_that_went_back_while_its_order_is_paid_is_found() -> None:
    plant = honest_till()
    plant.money.charges[0]["refunded_minor"] = PRICE
    assert plant.broken() == {"charges", "unpaid", "sums"}


def test_a_charge_that_went_back_in_part_is_found() -> None:
    plant = honest_till()
    plant.money.charges[1]["refunded_minor"] = PRICE - 1
    assert plant.broken() == {"charges", "sums"}


def test_money_that_the_shop_believes_to_have_gone_back_is_found() -> None:
    plant = honest_till()
    plant.money.charges[1] |= {"refunded_minor": 0, "refund_id": None}
    assert plant.broken() == {"charges", "unpaid", "sums"}


def test_a_charge_that_the_provider_declined_and_the_shop_counts_is_found() -> None:
    plant = honest_till()
    plant.money.charges[0]["state"] = "declined"
    assert plant.broken() == {"charges", "unpaid", "sums"}


def test_a_paid_order_without_any_charge_is_found() -> None:
    plant = honest_till()
    del plant.money.charges[0], plant.money.payments[0]
    assert plant.broken() == {"unpaid", "sums"}


def test_a_paid_order_without_its_unit_is_found() -> None:
    plant = honest_till()
    plant.sale |= {"available": 2, "sold": 1}
    assert plant.broken() == {"units_home"}


def test_a_late_charge_that_was_neither_held_again_nor_given_back_is_found() -> None:
    plant = honest_till()
    plant.order(4)["history"].pop()
    plant.money.payments[-1]["status"] = "late"
    plant.money.refunds.pop()
    plant.money.charges[-1] |= {"refunded_minor": 0, "refund_id": None}
    assert plant.broken() == {"charges", "late"}


def test_a_late_charge_that_was_held_again_and_given_back_is_found() -> None:
    plant = honest_till()
    late = {"status": "paid", "at": at(5200), "reason": "late_payment_refunded"}
    plant.order(3)["history"].append(late)
    assert plant.broken() == {"late"}


def test_who_had_his_unit_and_was_given_his_money_back_as_if_not_is_found() -> None:
    plant = honest_till()
    plant.order(2)["history"][-1]["reason"] = "duplicate"
    assert plant.broken() == {"late"}


def test_a_payment_that_went_back_twice_is_found() -> None:
    plant = honest_till()
    plant.refund("p2", "o2", "failed")
    assert plant.broken() == {"late"}


def test_a_late_charge_that_the_provider_refuses_to_give_back_is_nobodys_fault() -> None:
    plant = honest_till()
    plant.order(4)["history"].pop()
    plant.money.payments[-1]["status"] = "late"
    plant.money.refunds[-1]["status"] = "failed"
    plant.money.charges[-1] |= {"refunded_minor": 0, "refund_id": None}
    assert plant.broken() == set()


def test_a_hole_in_the_numbers_of_receipts_is_found() -> None:
    plant = honest_till()
    plant.money.receipts[-1]["number"] += 1
    plant.order(3)["receipt_number"] = "2026-000004"
    assert plant.broken() == {"receipts"}


def test_a_paid_order_without_a_receipt_is_found() -> None:
    plant = honest_till()
    plant.money.receipts.pop()
    assert plant.broken() == {"receipts"}


def test_a_receipt_over_another_sum_is_found() -> None:
    plant = honest_till()
    plant.money.receipts[0]["total_minor"] = PRICE - 1
    assert plant.broken() == {"receipts"}


def test_a_receipt_of_who_never_paid_is_found() -> None:
    plant = honest_till()
    plant.money.receipts.append({"order_id": "o4", "year": 2026, "number": 4, "total_minor": PRICE})
    assert plant.broken() == {"receipts"}


def test_a_webhook_that_was_taken_and_not_applied_is_found() -> None:
    plant = honest_till()
    plant.post("w2", 200)
    assert plant.broken() == {"webhooks"}


def test_who_was_told_paid_must_have_paid() -> None:
    plant = honest_till()
    plant.see("d", 9000, "o4", "paid")
    assert plant.broken() == {"told_not_stored"}


def test_a_paid_order_is_not_told_to_be_held_again() -> None:
    plant = honest_till()
    plant.see("c", 5500, "o3", "held")
    assert plant.broken() == {"taken_back"}


def test_a_socket_does_not_tell_older_news_after_newer() -> None:
    plant = honest_till()
    plant.hear("a", "o1", "paid", "paying")
    assert plant.broken() == {"taken_back"}


def test_an_answer_that_was_asked_for_before_the_other_came_may_be_older() -> None:
    plant = honest_till()
    plant.do("order", "c", 4990, 5300, "ok", order="o3", status="expired")
    assert plant.broken() == set()


def test_money_that_does_not_settle_in_time_is_found() -> None:
    plant = honest_till()
    plant.rest["money_settled_s"] = None
    assert plant.broken() == {"liveness"}


def test_who_waits_is_not_passed_by_who_paid_late() -> None:
    plant = honest_till()
    plant.submit("g", 4000, 5)
    plant.store(5, "sold_out", 9000, submitted_at=at(4000))
    assert plant.broken() == {"overtaken"}


def test_who_comes_while_a_late_payer_is_sold_a_unit_is_not_passed() -> None:
    plant = honest_till()
    plant.submit("g", 4600, 5)
    plant.store(5, "sold_out", 9000, submitted_at=at(4600))
    assert plant.broken() == set()


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


def test_a_unit_that_a_refund_brought_after_the_refusal_is_no_injustice() -> None:
    assert refused_before_a_refund(1550).broken() == set()


def test_a_unit_that_a_refund_brought_before_the_refusal_excuses_nothing() -> None:
    assert refused_before_a_refund(3900).broken() == {"overtaken"}


def test_a_unit_that_was_sold_again_counts_as_out() -> None:
    plant = honest_till()
    plant.submit("g", 4600, 5)
    plant.store(5, "held", 5500)
    assert "oversold" in plant.broken()


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
    from tasks.providers.sandbox.methods import terms_of

    assert all(terms_of(method) for method in METHODS)
