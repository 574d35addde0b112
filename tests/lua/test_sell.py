"""sell.lua and hold_again.lua: paid holds are sold; a late payment gets units that nobody waits for."""

import uuid

from models.live.records import Regained
from models.live.store import Live
from tests.lua.line import Line


def figures(line: Line) -> tuple[int, int, int, int]:
    number = line.look().number
    return number("available"), number("held"), number("sold"), number("open_holds")


def test_a_hold_is_sold_once_and_still_counts_against_the_limit(line: Line) -> None:
    line.line_up(3)
    one = line.claimed().decisions[0]
    assert line.sell(one.intent_id) == 1
    assert line.sell(one.intent_id) == 0
    assert figures(line) == (7, 2, 1, 2)
    assert line.units_of(one.user_id) == 1


def test_what_is_sold_comes_home_only_as_a_refund_and_once(line: Line) -> None:
    line.line_up(1)
    one = line.claimed().decisions[0]
    line.sell(one.intent_id)
    assert line.release(one.intent_id) == 0
    assert line.refund(one.intent_id) == 1
    assert line.refund(one.intent_id) == 0
    assert figures(line) == (10, 0, 0, 0)
    assert line.units_of(one.user_id) == 0


def test_a_refund_that_overtakes_the_sale_takes_the_hold(line: Line) -> None:
    line.line_up(1)
    one = line.claimed().decisions[0]
    assert line.refund(one.intent_id) == 1
    assert line.sell(one.intent_id) == 0
    assert figures(line) == (10, 0, 0, 0)


def test_who_can_no_longer_hope_is_told_once_the_last_hold_is_sold(live: Live) -> None:
    line = Line(live, units=1)
    line.line_up(2)
    held, waiting = line.claimed().decisions
    assert waiting.is_standby
    units, ring = live.sell(line.sale_id, "epoch-1", [held.intent_id], "[]")
    assert (units, ring) == (1, True)
    assert [one.outcome for one in line.claimed().decisions] == ["sold_out"]


def test_who_paid_late_gets_a_free_unit_once(line: Line) -> None:
    line.line_up(1)
    one = line.claimed().decisions[0]
    assert line.hold_again(one) == Regained.HELD_YET
    line.release(one.intent_id)
    assert line.hold_again(one) == Regained.SOLD
    assert line.hold_again(one) == Regained.SOLD
    assert figures(line) == (9, 0, 1, 0)
    assert line.release(one.intent_id) == 0, "a stale release must not take what was sold again"
    assert figures(line) == (9, 0, 1, 0)


def test_who_paid_late_passes_nobody(live: Live) -> None:
    line = Line(live, units=1)
    line.line_up(2)
    one = line.claimed().decisions[0]
    line.release(one.intent_id)
    assert line.hold_again(one) == Regained.OTHERS_FIRST
    line.claimed()
    assert line.hold_again(one) == Regained.GONE
    assert figures(line) == (0, 1, 0, 1)


def test_who_paid_late_stays_within_the_limit(line: Line) -> None:
    line.line_up(1)
    one = line.claimed().decisions[0]
    line.release(one.intent_id)
    line.submit(one.user_id)
    assert line.hold_again(one) == Regained.OTHERS_FIRST
    line.claimed()
    assert line.hold_again(one) == Regained.LIMIT_REACHED


def test_a_late_payment_gets_one_answer_and_another_gets_its_own(live: Live) -> None:
    line = Line(live, units=1)
    line.line_up(2)
    one, other = line.claimed().decisions
    line.release(one.intent_id)
    payment = uuid.uuid4()
    assert line.hold_again(one, payment=payment) == Regained.OTHERS_FIRST
    line.leave_standby(other)
    assert line.hold_again(one, payment=payment) == Regained.OTHERS_FIRST
    assert line.hold_again(one) == Regained.SOLD
    assert figures(line) == (0, 0, 1, 0)


def test_what_was_sold_to_a_late_payment_and_refunded_is_not_sold_to_it_again(line: Line) -> None:
    line.line_up(1)
    one = line.claimed().decisions[0]
    line.release(one.intent_id)
    payment = uuid.uuid4()
    assert line.hold_again(one, payment=payment) == Regained.SOLD
    assert line.refund(one.intent_id) == 1
    assert line.hold_again(one, payment=payment) == Regained.SOLD
    assert figures(line) == (10, 0, 0, 0)


def test_two_late_payments_of_one_order_are_sold_its_units_once(line: Line) -> None:
    line.line_up(1)
    one = line.claimed().decisions[0]
    line.release(one.intent_id)
    assert [line.hold_again(one) for _ in range(2)] == [Regained.SOLD] * 2
    assert figures(line) == (9, 0, 1, 0)
    assert line.units_of(one.user_id) == 1


def test_what_is_no_answer_yet_is_asked_again(line: Line) -> None:
    line.line_up(1)
    one = line.claimed().decisions[0]
    payment = uuid.uuid4()
    assert line.hold_again(one, payment=payment) == Regained.HELD_YET
    line.release(one.intent_id)
    assert line.hold_again(one, payment=payment) == Regained.SOLD


def test_the_answers_of_an_epoch_can_be_read_and_of_no_other(line: Line) -> None:
    line.line_up(1)
    one = line.claimed().decisions[0]
    line.release(one.intent_id)
    payment, stranger = uuid.uuid4(), uuid.uuid4()
    line.hold_again(one, payment=payment)
    assert line.live.late_answers(line.sale_id, "epoch-1", [payment, stranger]) == {payment: "sold"}
    assert line.live.late_answers(line.sale_id, "another", [payment]) == {}
    assert line.live.late_answers(line.sale_id, "epoch-1", []) == {}


def test_a_cancelled_sale_sells_nothing_more(line: Line) -> None:
    line.line_up(1)
    one = line.claimed().decisions[0]
    line.release(one.intent_id)
    line.set(status="cancelled")
    assert line.hold_again(one) == Regained.GONE
