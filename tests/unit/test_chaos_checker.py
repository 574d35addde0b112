"""The offline checker: an honest soak yields nothing, and every planted fault is caught by its own check."""

from tests.chaos.checker import CHECKS, count_figures
from tests.chaos.history import FAIL, INFO, OK
from tests.chaos.story import read_story
from tests.chaos.truth import StoredSale, Truth
from tests.unit.chaos_plant import DAY_MS, SALE, Plant, at, honest


def test_an_honest_soak_yields_nothing() -> None:
    assert honest().judged() == {check: [] for check in CHECKS}


def test_an_accepted_intent_that_is_not_stored_is_lost() -> None:
    plant = honest()
    plant.submit("g", 700, 5)
    assert plant.broken() == {"lost"}


def test_an_intent_that_was_never_decided_is_lost() -> None:
    plant = honest()
    plant.submit("g", 700, 5)
    plant.store(5, "queued", 0, decided_at=None)
    assert plant.broken() == {"lost"}


def test_an_accepted_intent_that_its_owner_cannot_find_is_lost() -> None:
    plant = honest()
    plant.do("poll", "a", 300, 310, FAIL, intent="i1", answer=404, code="not_found")
    assert plant.broken() == {"lost"}


def test_one_key_that_became_two_intents_is_doubled() -> None:
    plant = honest()
    plant.submit("a", 700, 5)
    plant.store(5, "left", 800)
    assert "duplicated" in plant.broken()


def test_a_stored_intent_that_nobody_asked_for_is_unexpected() -> None:
    plant = honest()
    plant.store(5, "left", 800)
    assert plant.broken() == {"unexpected"}


def test_an_unanswered_try_that_stood_in_line_is_recovered() -> None:
    plant = honest()
    plant.store(5, "left", 800)
    plant.owners["e"] = ["i5"]
    assert plant.broken() == set()
    rows = StoredSale(plant.sale, plant.intents, plant.orders, plant.audit, plant.owners)
    assert count_figures(read_story(plant.events), Truth({SALE: rows}))["recovered"] == 1


def test_one_unanswered_try_does_not_explain_two_intents() -> None:
    plant = honest()
    plant.store(5, "left", 800)
    plant.store(6, "left", 800)
    plant.owners["e"] = ["i5", "i6"]
    assert plant.broken() == {"unexpected"}


def test_who_was_refused_by_503_must_not_stand_in_line() -> None:
    plant = honest()
    plant.store(5, "sold_out", 800)
    plant.owners["f"] = ["i5"]
    assert plant.broken() == {"refused_in_line"}


def test_what_was_taken_out_of_the_line_again_does_not_stand_in_it() -> None:
    plant = honest()
    plant.store(5, "left", 800)
    plant.owners["f"] = ["i5"]
    assert plant.broken() == set()


def test_who_was_refused_and_then_not_answered_may_stand_in_line() -> None:
    plant = honest()
    plant.refuse("f", 700, INFO, "no_answer")
    plant.store(5, "sold_out", 9000)
    plant.owners["f"] = ["i5"]
    assert plant.broken() == set()


def test_a_hole_in_the_tickets_is_found() -> None:
    plant = honest()
    plant.submit("g", 700, 6)
    plant.store(6, "left", 800)
    assert plant.broken() == {"fifo"}


def test_who_came_after_an_answer_must_not_stand_before_it() -> None:
    plant = Plant()
    plant.submit("a", 200, 1)
    plant.submit("b", 100, 2)
    plant.store(1, "left", 800)
    plant.store(2, "left", 800)
    assert plant.broken() == {"fifo"}


def test_a_later_ticket_must_not_be_served_while_an_earlier_one_waits() -> None:
    plant = honest()
    plant.submit("g", 700, 5)
    plant.store(5, "held", 3900)
    assert "overtaken" in plant.broken()


def test_who_asks_for_more_than_came_back_is_not_overtaken() -> None:
    plant = honest()
    plant.submit("g", 700, 5, quantity=2)
    plant.store(5, "sold_out", 9000, quantity=2)
    plant.submit("h", 800, 6)
    plant.store(6, "held", 4100)
    assert plant.broken() == set()


def refused_before_a_grant() -> Plant:
    plant = honest()
    plant.submit("g", 700, 5)
    plant.store(5, "sold_out", 3600)
    plant.submit("h", 800, 6)
    plant.store(6, "held", 4100)
    return plant


def test_a_refused_ticket_must_not_see_a_later_one_served() -> None:
    assert refused_before_a_grant().broken() == {"overtaken"}


def test_units_that_were_added_after_the_refusal_are_no_injustice() -> None:
    plant = refused_before_a_grant()
    plant.do("admin", "admin", 3700, 3800, OK, verb="allocate", allocation=4)
    plant.sale |= {"allocation": 4, "available": 4}
    assert plant.broken() == set()


def test_units_that_were_added_before_the_refusal_excuse_nothing() -> None:
    plant = refused_before_a_grant()
    plant.do("admin", "admin", 3400, 3500, OK, verb="allocate", allocation=4)
    plant.sale |= {"allocation": 4, "available": 4}
    assert plant.broken() == {"overtaken"}


def test_a_snapshot_that_does_not_add_up_is_found() -> None:
    plant = honest()
    plant.snapshot(available=2)
    assert plant.broken() == {"bank"}


def test_a_snapshot_with_more_held_than_there_is_is_oversold() -> None:
    plant = honest()
    plant.snapshot(available=-1, held=4)
    assert plant.broken() == {"oversold"}


def test_one_hold_too_many_at_an_instant_is_oversold() -> None:
    plant = honest()
    plant.intents[3]["decided_at"] = at(3000)
    plant.orders[3]["created_at"] = at(3000)
    assert plant.broken() == {"oversold"}


def test_an_allocation_that_nobody_asked_for_is_found() -> None:
    plant = honest()
    plant.sale |= {"allocation": 5, "available": 5}
    assert plant.broken() == {"allocation"}


def test_an_answered_change_of_the_allocation_must_last() -> None:
    plant = honest()
    plant.do("admin", "admin", 6000, 6100, OK, verb="allocate", allocation=4)
    assert plant.broken() == {"allocation"}


def test_an_unanswered_change_of_the_allocation_may_have_happened_or_not() -> None:
    plant = honest()
    plant.do("admin", "admin", 6000, 6100, INFO, verb="allocate", allocation=4)
    assert plant.broken() == set()
    plant.sale |= {"allocation": 4, "available": 4}
    assert plant.broken() == set()


def test_units_that_stay_out_are_found() -> None:
    plant = honest()
    plant.sale |= {"available": 2, "held": 1}
    assert plant.broken() == {"units_home"}


def test_a_hold_that_ended_twice_is_found() -> None:
    plant = honest()
    plant.orders[0]["history"].append({"status": "expired", "at": at(9000)})
    assert plant.broken() == {"units_home"}


def test_a_hold_that_expired_before_its_time_is_found() -> None:
    plant = honest()
    plant.orders[0]["expires_at"] = at(8000)
    assert plant.broken() == {"units_home"}


def test_a_hold_that_never_ended_is_found() -> None:
    plant = honest()
    plant.orders[3]["history"].pop()
    plant.orders[3]["status"] = "held"
    assert plant.broken() == {"units_home"}


def test_two_different_verdicts_are_found() -> None:
    plant = honest()
    plant.told("a", 6000, 1, "sold_out")
    assert plant.broken() == {"verdicts", "told_not_stored"}


def test_a_verdict_that_is_taken_back_is_found() -> None:
    plant = honest()
    plant.told("a", 6000, 1, "queued")
    assert plant.broken() == {"verdicts"}


def test_a_verdict_that_is_not_the_stored_one_is_found() -> None:
    plant = honest()
    plant.intents[3] |= {"status": "sold_out", "order_id": None}
    plant.orders.pop()
    assert plant.broken() == {"told_not_stored"}


def test_a_cancelled_order_that_is_stored_as_expired_is_found() -> None:
    plant = honest()
    plant.do("cancel", "a", 2000, 2010, OK, order="o1", status="cancelled")
    assert plant.broken() == {"told_not_stored"}


def test_a_hold_without_an_order_is_found() -> None:
    plant = honest()
    plant.orders.pop()
    assert plant.broken() == {"orders"}


def test_an_intent_that_is_not_decided_in_time_is_found() -> None:
    plant = honest()
    plant.rest["all_decided_s"] = None
    assert plant.broken() == {"liveness"}


def test_stores_that_do_not_come_to_rest_are_found() -> None:
    plant = honest()
    plant.rest["quiet_s"] = None
    assert plant.broken() == {"liveness"}


def test_an_audit_that_does_not_hold_is_found() -> None:
    plant = honest()
    plant.audit = {"ok": False}
    assert plant.broken() == {"audit"}


def test_a_500_is_found_and_a_503_is_none() -> None:
    plant = honest()
    plant.do("poll", "a", 6000, 6010, INFO, intent="i1", answer=503, code="ledger_unavailable")
    assert plant.broken() == set()
    plant.do("poll", "a", 6000, 6010, INFO, intent="i1", answer=500, code="internal_error")
    assert plant.broken() == {"bad_answers"}


def test_the_planted_times_are_the_clock_of_the_history() -> None:
    from tests.chaos.check_line import wall_ms

    assert wall_ms(at(61_234)) == DAY_MS + 61_234
