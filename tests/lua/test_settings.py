"""load, configure and adjust: how the ledger's settings reach the live side, once each."""

import uuid
from dataclasses import replace

import pytest

from models.errors import Fenced
from models.live.records import AnswerCode
from models.live.store import Live
from tests.lua.line import EPOCH, SEED, Line, names, snapshot


def test_a_first_load_changes_nothing_where_one_is(line: Line) -> None:
    line.line_up(2)
    assert not line.live.load(line.sale_id, "other", snapshot(99))
    look = line.look()
    assert (look.fields["epoch"], look.number("allocation"), look.line_length) == (EPOCH, 10, 2)


def test_a_replacing_load_leaves_nothing_of_the_old_state(line: Line) -> None:
    line.line_up(3)
    line.claimed(2)
    line.adjust(1)
    (ann,) = names(1)
    counts = snapshot(5, last_ticket=7, now_serving=7, held=2, available=3)
    laid = replace(counts, units={ann: 2}, holds={"an intent": (ann, 2)})
    assert line.live.load(line.sale_id, "epoch-2", laid, replace=True)
    line.check()
    look = line.look()
    assert (look.fields["epoch"], look.line_length, look.claims) == ("epoch-2", 0, 0)
    assert line.units_of(ann) == 2
    for key in (line.keys.intents, line.keys.active, line.keys.claimed, line.keys.adjustments):
        assert not line.live.client.exists(key)


def test_tickets_go_on_after_a_replacing_load(line: Line) -> None:
    laid = snapshot(5, last_ticket=7, now_serving=7)
    line.live.load(line.sale_id, EPOCH, laid, replace=True)
    assert [answer.intent.ticket for answer in line.line_up(2) if answer.intent] == [8, 9]


def test_only_a_newer_revision_is_news(line: Line) -> None:
    assert line.configure(3, price_minor=3)
    assert not line.configure(3, price_minor=4)
    assert not line.configure(2, price_minor=2)
    assert line.look().number("price_minor") == 3


def test_settings_of_another_epoch_are_fenced_off(line: Line) -> None:
    with pytest.raises(Fenced):
        line.live.configure(line.sale_id, "before", 9, {"status": "ended"}, seed=SEED)
    assert line.look().fields["status"] == "open"


def test_settings_need_a_live_state(live: Live) -> None:
    with pytest.raises(Fenced, match="no live state"):
        live.configure(uuid.uuid4(), EPOCH, 9, {}, seed=SEED)


def test_an_adjustment_counts_once(line: Line) -> None:
    raised = uuid.uuid4()
    assert line.adjust(5, raised)
    assert line.adjust(5, raised)
    look = line.look()
    assert (look.number("allocation"), look.number("available")) == (15, 15)


def test_a_cut_takes_free_units_only(line: Line) -> None:
    line.line_up(8)
    line.claimed()
    assert not line.adjust(-3)
    assert line.adjust(-2)
    look = line.look()
    assert (look.number("allocation"), look.number("available"), look.number("held")) == (8, 0, 8)


def test_a_refused_cut_stays_refused_when_units_are_free_again(line: Line) -> None:
    line.line_up(8)
    claim = line.claimed()
    cut = uuid.uuid4()
    assert not line.adjust(-3, cut)
    line.settle(claim)
    assert line.release(*(one.intent_id for one in claim.decisions)) == 8
    assert not line.adjust(-3, cut)
    assert line.look().number("allocation") == 10


def test_an_adjustment_of_another_epoch_is_fenced_off(line: Line) -> None:
    with pytest.raises(Fenced):
        line.live.adjust(line.sale_id, "before", uuid.uuid4(), 5)
    assert line.look().number("allocation") == 10


def test_a_raise_serves_those_who_come_after(live: Live) -> None:
    line = Line(live, units=0)
    line.adjust(1)
    assert line.line_up(1)[0].code == AnswerCode.ACCEPTED
    assert line.claimed().decisions[0].is_held
