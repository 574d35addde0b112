"""The offline checker: an honest soak yields nothing, and every planted fault is caught by its own check."""

import pytest

from tests.chaos.check_line import wall_ms
from tests.chaos.checker import CHECKS, count_figures
from tests.chaos.history import FAIL, INFO, OK
from tests.chaos.story import read_story
from tests.chaos.truth import StoredSale, Truth
from tests.unit.chaos_plant import DAY_MS, SALE, Change, Plant, at, changed, honest

FAULTS: dict[str, tuple[set[str], tuple[Change, ...]]] = {
    "an accepted intent is not stored": ({"lost"}, (lambda p: p.submit("g", 700, 5),)),
    "an intent was never decided": (
        {"lost"},
        (lambda p: p.submit("g", 700, 5), lambda p: p.store(5, "queued", 0, decided_at=None)),
    ),
    "its owner cannot find an accepted intent": (
        {"lost"},
        (lambda p: p.do("poll", "a", 300, 310, FAIL, intent="i1", answer=404, code="not_found"),),
    ),
    "one key became two intents": (
        {"duplicated"},
        (lambda p: p.submit("a", 700, 5), lambda p: p.store(5, "left", 800)),
    ),
    "nobody asked for a stored intent": ({"unexpected"}, (lambda p: p.store(5, "left", 800),)),
    "one unanswered try explains two intents": (
        {"unexpected"},
        (
            lambda p: p.store(5, "left", 800),
            lambda p: p.store(6, "left", 800),
            lambda p: p.owners.update(e=["i5", "i6"]),
        ),
    ),
    "who was refused by a 503 stands in line": (
        {"refused_in_line"},
        (lambda p: p.store(5, "sold_out", 800), lambda p: p.owners.update(f=["i5"])),
    ),
    "a hole in the tickets": (
        {"fifo"},
        (lambda p: p.submit("g", 700, 6), lambda p: p.store(6, "left", 800)),
    ),
    "a later ticket was served while an earlier one waited": (
        {"overtaken"},
        (lambda p: p.submit("g", 700, 5), lambda p: p.store(5, "held", 3900)),
    ),
    "a snapshot does not add up": ({"bank"}, (lambda p: p.snapshot(available=2),)),
    "a snapshot with more held than there is": (
        {"oversold"},
        (lambda p: p.snapshot(available=-1, held=4),),
    ),
    "one hold too many at an instant": (
        {"oversold"},
        (
            lambda p: p.intents[3].update(decided_at=at(3000)),
            lambda p: p.orders[3].update(created_at=at(3000)),
        ),
    ),
    "nobody asked for the allocation": (
        {"allocation"},
        (lambda p: p.sale.update(allocation=5, available=5),),
    ),
    "an answered change of the allocation did not last": (
        {"allocation"},
        (lambda p: p.do("admin", "admin", 6000, 6100, OK, verb="allocate", allocation=4),),
    ),
    "units stay out": ({"units_home"}, (lambda p: p.sale.update(available=2, held=1),)),
    "a hold ended twice": (
        {"units_home"},
        (lambda p: p.orders[0]["history"].append({"status": "expired", "at": at(9000)}),),
    ),
    "a hold expired before its time": (
        {"units_home"},
        (lambda p: p.orders[0].update(expires_at=at(8000)),),
    ),
    "a hold never ended": (
        {"units_home"},
        (lambda p: p.orders[3]["history"].pop(), lambda p: p.orders[3].update(status="held")),
    ),
    "two different verdicts": (
        {"verdicts", "told_not_stored"},
        (lambda p: p.told("a", 6000, 1, "sold_out"),),
    ),
    "a verdict is taken back": ({"verdicts"}, (lambda p: p.told("a", 6000, 1, "queued"),)),
    "another verdict is stored": (
        {"told_not_stored"},
        (lambda p: p.intents[3].update(status="sold_out", order_id=None), lambda p: p.orders.pop()),
    ),
    "a cancelled order is stored as expired": (
        {"told_not_stored"},
        (lambda p: p.do("cancel", "a", 2000, 2010, OK, order="o1", status="cancelled"),),
    ),
    "a hold without an order": ({"orders"}, (lambda p: p.orders.pop(),)),
    "an intent is not decided in time": ({"liveness"}, (lambda p: p.rest.update(all_decided_s=None),)),
    "the stores do not come to rest": ({"liveness"}, (lambda p: p.rest.update(quiet_s=None),)),
    "an audit does not hold": ({"audit"}, (lambda p: p.audit.update(ok=False),)),
    "a 500": (
        {"bad_answers"},
        (lambda p: p.do("poll", "a", 6000, 6010, INFO, intent="i1", answer=500, code="internal_error"),),
    ),
}
NO_FAULTS: dict[str, tuple[Change, ...]] = {
    "nothing": (),
    "an unanswered try stood in line": (
        lambda p: p.store(5, "left", 800),
        lambda p: p.owners.update(e=["i5"]),
    ),
    "who was refused was taken out of the line again": (
        lambda p: p.store(5, "left", 800),
        lambda p: p.owners.update(f=["i5"]),
    ),
    "who was refused and then not answered stands in line": (
        lambda p: p.refuse("f", 700, INFO, "no_answer"),
        lambda p: p.store(5, "sold_out", 9000),
        lambda p: p.owners.update(f=["i5"]),
    ),
    "who asked for more than came back was passed": (
        lambda p: p.submit("g", 700, 5, quantity=2),
        lambda p: p.store(5, "sold_out", 9000, quantity=2),
        lambda p: p.submit("h", 800, 6),
        lambda p: p.store(6, "held", 4100),
    ),
    "an unanswered change of the allocation did not happen": (
        lambda p: p.do("admin", "admin", 6000, 6100, INFO, verb="allocate", allocation=4),
    ),
    "an unanswered change of the allocation happened": (
        lambda p: p.do("admin", "admin", 6000, 6100, INFO, verb="allocate", allocation=4),
        lambda p: p.sale.update(allocation=4, available=4),
    ),
    "a 503": (
        lambda p: p.do("poll", "a", 6000, 6010, INFO, intent="i1", answer=503, code="ledger_unavailable"),
    ),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_planted_fault_of_a_soak_is_caught_by_its_check(what: str) -> None:
    checks, changes = FAULTS[what]
    assert changed(honest(), changes).broken() == checks


@pytest.mark.parametrize("what", NO_FAULTS)
def test_what_may_be_is_no_fault_of_a_soak(what: str) -> None:
    assert changed(honest(), NO_FAULTS[what]).judged() == {check: [] for check in CHECKS}


def test_an_unanswered_try_that_stood_in_line_is_counted_as_recovered() -> None:
    plant = changed(honest(), NO_FAULTS["an unanswered try stood in line"])
    rows = StoredSale(plant.sale, plant.intents, plant.orders, plant.audit, plant.owners)
    assert count_figures(read_story(plant.events), Truth({SALE: rows}))["recovered"] == 1


def test_who_came_after_an_answer_must_not_stand_before_it() -> None:
    plant = Plant()
    plant.submit("a", 200, 1)
    plant.submit("b", 100, 2)
    plant.store(1, "left", 800)
    plant.store(2, "left", 800)
    assert plant.broken() == {"fifo"}


def refused_before_a_grant() -> Plant:
    plant = honest()
    plant.submit("g", 700, 5)
    plant.store(5, "sold_out", 3600)
    plant.submit("h", 800, 6)
    plant.store(6, "held", 4100)
    return plant


def test_a_refused_ticket_must_not_see_a_later_one_served() -> None:
    assert refused_before_a_grant().broken() == {"overtaken"}


@pytest.mark.parametrize(("added_ms", "broken"), [(3400, {"overtaken"}), (3700, set())])
def test_units_excuse_a_later_grant_if_they_were_added_after_the_refusal(
    added_ms: int, broken: set[str]
) -> None:
    plant = refused_before_a_grant()
    plant.do("admin", "admin", added_ms, added_ms + 100, OK, verb="allocate", allocation=4)
    plant.sale |= {"allocation": 4, "available": 4}
    assert plant.broken() == broken


def test_the_planted_times_are_the_clock_of_the_history() -> None:
    assert wall_ms(at(61_234)) == DAY_MS + 61_234
