"""submit.lua: who gets a ticket, who is refused, and that a refusal leaves no trace."""

import pytest

from models.errors import Fenced, LateSubmission
from models.live.records import AnswerCode
from models.live.store import Live
from tests.lua.line import Line, names, submission


def codes(line: Line, *submissions: object) -> list[str]:
    return [answer.code for answer in line.submit_all(list(submissions)).answers]  # type: ignore[arg-type]


def test_tickets_are_dense_over_batches_in_the_order_given(line: Line) -> None:
    tickets = [answer.intent.ticket for _ in range(3) for answer in line.line_up(7) if answer.intent]
    assert tickets == list(range(1, 22))
    assert line.look().number("last_ticket") == 21


def test_a_shopper_stands_in_line_once(line: Line) -> None:
    (ann,) = names(1)
    first = line.submit(ann)
    again = line.submit(ann)
    assert again.code == AnswerCode.IN_LINE
    assert again.intent == first.intent
    assert line.look().number("last_ticket") == 1


def test_a_shopper_twice_in_one_batch_stands_in_line_once(line: Line) -> None:
    (ann,) = names(1)
    assert codes(line, submission(ann), submission(ann)) == ["accepted", "in_line"]


def test_more_than_the_limit_is_refused(live: Live) -> None:
    line = Line(live, per_shopper_limit=2)
    (ann,) = names(1)
    assert line.submit(ann, quantity=3).code == AnswerCode.LIMIT_REACHED
    assert line.units_of(ann) == 0
    assert line.submit(ann, quantity=2).code == AnswerCode.ACCEPTED


def test_what_is_held_counts_against_the_limit(live: Live) -> None:
    line = Line(live, per_shopper_limit=2)
    (ann,) = names(1)
    line.submit(ann)
    line.settle(line.claimed())
    assert line.submit(ann, quantity=2).code == AnswerCode.LIMIT_REACHED
    assert line.submit(ann, quantity=1).code == AnswerCode.ACCEPTED
    line.settle(line.claimed())
    assert line.submit(ann, quantity=1).code == AnswerCode.LIMIT_REACHED


def test_who_got_nothing_may_ask_again(live: Live) -> None:
    line = Line(live, units=0)
    (ann,) = names(1)
    line.submit(ann)
    line.settle(line.claimed())
    assert line.units_of(ann) == 0
    assert line.submit(ann).code == AnswerCode.ACCEPTED


def test_the_same_key_and_body_give_the_same_intent(line: Line) -> None:
    (ann,) = names(1)
    first = line.submit(ann, key="k")
    again = line.submit(ann, key="k")
    assert again.code == AnswerCode.REPLAYED
    assert again.intent == first.intent
    assert line.look().number("last_ticket") == 1


def test_the_same_key_is_remembered_after_the_verdict(line: Line) -> None:
    (ann,) = names(1)
    first = line.submit(ann, key="k")
    line.settle(line.claimed())
    again = line.submit(ann, key="k")
    assert (again.code, again.intent_id, again.intent) == (AnswerCode.REPLAYED, first.intent_id, None)


def test_the_same_key_twice_in_one_batch_gives_one_ticket(line: Line) -> None:
    (ann,) = names(1)
    reply = line.submit_all([submission(ann, key="k"), submission(ann, key="k")])
    assert [answer.code for answer in reply.answers] == ["accepted", "replayed"]
    assert reply.answers[0].intent_id == reply.answers[1].intent_id


def test_the_same_key_with_another_body_is_refused(line: Line) -> None:
    (ann,) = names(1)
    line.submit(ann, key="k")
    assert line.submit(ann, key="k", accept_fewer=True).code == AnswerCode.KEY_REUSED


def test_two_shoppers_may_use_the_same_key(line: Line) -> None:
    ann, bob = names(2)
    assert line.submit(ann, key="k").code == line.submit(bob, key="k").code == AnswerCode.ACCEPTED


def test_a_refused_intent_does_not_use_its_key_up(live: Live) -> None:
    line = Line(live, status="scheduled")
    (ann,) = names(1)
    assert line.submit(ann, key="k").code == AnswerCode.NOT_OPEN
    line.set(status="open")
    assert line.submit(ann, key="k").code == AnswerCode.ACCEPTED


@pytest.mark.parametrize("status", ["scheduled", "paused"])
def test_a_sale_that_is_not_open_takes_nobody(live: Live, status: str) -> None:
    line = Line(live, status=status)
    assert line.line_up(2)[1].code == AnswerCode.NOT_OPEN
    assert line.look().number("last_ticket") == 0


@pytest.mark.parametrize("status", ["ended", "cancelled"])
def test_a_sale_that_is_over_takes_nobody(live: Live, status: str) -> None:
    line = Line(live, status=status)
    assert line.line_up(1)[0].code == AnswerCode.OVER


def test_an_open_sale_past_its_closing_time_takes_nobody(live: Live) -> None:
    line = Line(live, closes_at_ms=live.now_ms() - 1)
    assert line.line_up(1)[0].code == AnswerCode.OVER
    assert line.look().line_length == 0


def test_a_replay_is_answered_after_the_sale_is_over(line: Line) -> None:
    (ann,) = names(1)
    line.submit(ann, key="k")
    line.set(status="ended")
    assert line.submit(ann, key="k").code == AnswerCode.REPLAYED


def test_a_batch_that_comes_after_its_deadline_is_refused_whole(line: Line) -> None:
    with pytest.raises(LateSubmission):
        line.submit_all([submission(user) for user in names(3)], deadline_ms=line.live.now_ms() - 1)
    assert line.look().number("last_ticket") == 0


def test_another_epoch_is_fenced_off(line: Line) -> None:
    with pytest.raises(Fenced):
        line.submit_all([submission(user) for user in names(1)], epoch="before")
    assert line.look().number("last_ticket") == 0


def test_a_sale_without_live_state_takes_nobody(line: Line) -> None:
    line.live.client.flushdb()
    with pytest.raises(Fenced, match="no live state"):
        line.live.submit(line.sale_id, "epoch-1", [submission(user) for user in names(1)])


def test_a_batch_answers_each_for_itself(live: Live) -> None:
    line = Line(live, per_shopper_limit=2)
    ann, bob, cid, dan = names(4)
    line.submit(ann, key="k")
    assert codes(
        line,
        submission(ann, key="k"),
        submission(bob, quantity=3),
        submission(cid),
        submission(ann, key="k", quantity=2),
        submission(cid),
        submission(ann),
        submission(dan, key="k"),
    ) == ["replayed", "limit_reached", "accepted", "key_reused", "in_line", "in_line", "accepted"]
    assert [intent.ticket for intent in line.live.page(line.sale_id).intents] == [3, 2, 1]


def test_the_bell_is_rung_once_for_a_busy_line(line: Line) -> None:
    rings = [line.submit_all([submission(user)]).ring for user in names(4)]
    assert rings == [True, False, False, False]


def test_the_bell_is_rung_again_where_it_was_not_heard(line: Line) -> None:
    line.line_up(1)
    line.set(bell_ms=line.live.now_ms() - 1_001)
    assert line.submit_all([submission(user) for user in names(1)]).ring


def test_the_bell_is_rung_again_after_the_line_was_found_empty(line: Line) -> None:
    line.line_up(1)
    line.claimed()
    assert line.claim().code == "empty"
    assert line.submit_all([submission(user) for user in names(1)]).ring


def test_an_intent_that_is_sent_again_stands_in_line_once(line: Line) -> None:
    (ann,) = names(1)
    asked = submission(ann)
    first, second = (line.submit_all([asked]).answers[0] for _ in range(2))
    assert (first.code, second.code) == (AnswerCode.ACCEPTED, AnswerCode.REPLAYED)
    assert second.intent == first.intent
    assert line.look().line_length == 1
