"""release.lua: units of ended holds are returned, once for each hold."""

from models.live.records import AnswerCode
from tests.lua.line import Line, names


def test_a_hold_comes_home_once(line: Line) -> None:
    line.line_up(3)
    claim = line.claimed()
    one = claim.decisions[0]
    assert line.release(one.intent_id) == 1
    assert line.release(one.intent_id) == 0
    look = line.look()
    assert (look.number("available"), look.number("held"), look.number("open_holds")) == (8, 2, 2)


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
