"""release.lua: units of ended holds are returned, once for each hold."""

import pytest

from models.errors import Fenced
from models.live.records import AnswerCode
from models.live.store import Live
from tests.lua.line import Line, names


def test_a_hold_comes_home_once(line: Line) -> None:
    line.line_up(3)
    claim = line.claimed()
    one = claim.decisions[0]
    assert line.release(one.intent_id) == 1
    assert line.release(one.intent_id) == 0
    look = line.look()
    assert (look.number("available"), look.number("held"), look.number("open_holds")) == (8, 2, 2)


def test_several_holds_come_home_together(live: Live) -> None:
    line = Line(live, per_shopper_limit=3)
    line.line_up(3, quantity=3)
    claim = line.claimed()
    assert line.release(*(one.intent_id for one in claim.decisions)) == 9
    assert line.look().number("available") == 10


def test_whose_hold_ended_may_buy_again(line: Line) -> None:
    (ann,) = names(1)
    line.submit(ann)
    claim = line.claimed()
    line.settle(claim)
    assert line.submit(ann).code == AnswerCode.LIMIT_REACHED
    line.release(claim.decisions[0].intent_id)
    assert line.submit(ann).code == AnswerCode.ACCEPTED


def test_an_unknown_hold_brings_nothing(line: Line) -> None:
    assert line.release(*names(2)) == 0
    assert line.look().number("available") == 10


def test_the_bell_is_rung_only_for_those_who_wait(live: Live) -> None:
    line = Line(live, units=1)
    line.line_up(1)
    first = line.claimed().decisions[0].intent_id
    assert line.live.release(line.sale_id, "epoch-1", [first], "[]") == (1, False)
    line.line_up(2)
    second = line.claimed().decisions[0].intent_id
    assert line.live.release(line.sale_id, "epoch-1", [second], "[]") == (1, True)


def test_another_epoch_is_fenced_off(line: Line) -> None:
    line.line_up(1)
    claim = line.claimed()
    with pytest.raises(Fenced):
        line.live.release(line.sale_id, "before", [claim.decisions[0].intent_id], "[]")
    assert line.look().number("held") == 1
