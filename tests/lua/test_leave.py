"""leave.lua: a place is given up once, by its owner, and only while there is one."""

import pytest

from models.errors import AlreadyDecided, Fenced, NotFound
from models.live.records import AnswerCode
from models.live.store import FREE_LEAVINGS, LEAVING_PAUSE_MS, LONGEST_PAUSE_MS
from tests.lua.line import EPOCH, Line, names, submission


def test_leaving_twice_is_leaving_once(line: Line) -> None:
    (ann,) = names(1)
    answer = line.submit(ann)
    first, _ = line.live.leave(line.sale_id, EPOCH, answer.intent_id, ann)
    again, _ = line.live.leave(line.sale_id, EPOCH, answer.intent_id, ann)
    line.check()
    assert first == again
    assert first.left_ms > 0
    assert (line.units_of(ann), line.look().number("waiting")) == (0, 0)


def test_who_left_may_line_up_again_at_the_end(line: Line) -> None:
    ann, bob = names(2)
    line.leave(line.submit(ann))
    line.submit(bob)
    again = line.submit(ann)
    assert again.code == AnswerCode.ACCEPTED
    assert again.intent is not None
    assert again.intent.ticket == 3


def test_leaving_frees_the_old_intent_only(line: Line) -> None:
    (ann,) = names(1)
    old = line.submit(ann)
    line.leave(old)
    new = line.submit(ann)
    line.leave(old)
    assert line.units_of(ann) == 1
    found = line.live.standing_of(line.sale_id, ann)
    assert found is not None
    assert found.intent == new.intent


def test_coming_again_costs_a_pause_that_grows(line: Line) -> None:
    (ann,) = names(1)
    waits = []
    for _ in range(FREE_LEAVINGS + 7):
        answer = line.submit(ann)
        if answer.code == AnswerCode.TOO_SOON:
            waits.append(answer.wait_ms)
            end_pause(line, ann)
            answer = line.submit(ann)
        line.leave(answer)
    assert len(waits) == 6
    longest = [min(LEAVING_PAUSE_MS << doubled, LONGEST_PAUSE_MS) for doubled in range(6)]
    assert all(most - 20_000 < waited <= most for waited, most in zip(waits, longest, strict=True)), waits


def test_who_is_withdrawn_pays_nothing_and_may_use_the_key_again(line: Line) -> None:
    (ann,) = names(1)
    for _ in range(FREE_LEAVINGS + 2):
        one = submission(ann, key="k")
        assert line.submit_all([one]).answers[0].code == AnswerCode.ACCEPTED
        line.live.withdraw(line.sale_id, EPOCH, one)
    line.check()
    assert line.look().number("waiting") == 0


def end_pause(line: Line, user: str) -> None:
    """Let a shopper's pause be over."""
    leavings = str(line.live.client.hget(line.keys.leavings, user))
    line.live.client.hset(line.keys.leavings, user, leavings.partition("|")[0] + "|1")


def test_who_comes_too_soon_leaves_no_trace_and_others_are_not_kept_waiting(line: Line) -> None:
    ann, bob = names(2)
    for _ in range(FREE_LEAVINGS + 1):
        line.leave(line.submit(ann))
    before = line.look()
    refused, taken = line.submit_all([submission(ann, key="again"), submission(bob)]).answers
    assert (refused.code, taken.code) == (AnswerCode.TOO_SOON, AnswerCode.ACCEPTED)
    assert line.look().number("last_ticket") == before.number("last_ticket") + 1
    end_pause(line, ann)
    assert line.submit(ann, key="again").code == AnswerCode.ACCEPTED


def test_what_was_decided_can_no_longer_leave(line: Line) -> None:
    (answer,) = line.line_up(1)
    line.claimed()
    with pytest.raises(AlreadyDecided):
        line.leave(answer)


def test_anothers_place_cannot_be_given_up(line: Line) -> None:
    (answer,) = line.line_up(1)
    with pytest.raises(NotFound):
        line.leave(answer, user=names(1)[0])
    assert line.look().number("waiting") == 1


def test_an_unknown_intent_cannot_leave(line: Line) -> None:
    (ann,) = names(1)
    with pytest.raises(NotFound):
        line.live.leave(line.sale_id, EPOCH, names(1)[0], ann)


def test_another_epoch_is_fenced_off(line: Line) -> None:
    (answer,) = line.line_up(1)
    assert answer.intent is not None
    with pytest.raises(Fenced):
        line.live.leave(line.sale_id, "before", answer.intent_id, answer.intent.user_id)
