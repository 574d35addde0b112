"""settle, postpone and split: what becomes of a claim."""

from contextlib import closing
from dataclasses import replace

import pytest

from models.errors import Fenced
from models.live.records import ClaimCode
from models.live.store import MAX_TRIES
from tests.lua.line import Line, names


def test_settling_forgets_the_claim_and_its_intents(line: Line) -> None:
    answers = line.line_up(3)
    claim = line.claimed(2)
    assert line.settle(claim)
    assert line.look().claims == 0
    assert line.live.client.hlen(line.keys.claimed) == 0
    kept = [line.live.find(line.sale_id, answer.intent_id) is not None for answer in answers]
    assert kept == [False, False, True]


def test_settling_twice_is_settling_once(line: Line) -> None:
    line.line_up(3)
    claim = line.claimed()
    assert line.settle(claim, units_back=1)
    assert not line.settle(claim, units_back=1)
    assert line.look().number("available") == 8


def test_a_claim_of_another_epoch_settles_nothing(line: Line) -> None:
    line.line_up(3)
    claim = replace(line.claimed(), epoch="before")
    with pytest.raises(Fenced):
        line.settle(claim)
    assert line.look().claims == 1


def test_units_that_the_ledger_did_not_grant_come_back(line: Line) -> None:
    line.line_up(3)
    line.settle(line.claimed(), units_back=2)
    look = line.look()
    assert (look.number("available"), look.number("held")) == (9, 1)


def test_settling_tells_verdicts_and_watchers_once(line: Line) -> None:
    line.line_up(1)
    claim = line.claimed()
    with closing(line.live.client.pubsub(ignore_subscribe_messages=True)) as heard:  # type: ignore[no-untyped-call]
        heard.subscribe(line.keys.verdict_channel, line.keys.live_channel)
        heard.get_message(timeout=5)
        heard.get_message(timeout=5)
        line.live.settle(line.sale_id, claim, b'["told"]')
        line.live.settle(line.sale_id, claim, b'["told"]')
        line.live.tell(line.sale_id, "end")
        told: list[tuple[str, str]] = []
        while not told or told[-1][1] != "end":
            message = heard.get_message(timeout=5)
            assert message is not None, told
            told.append((message["channel"], message["data"]))
    assert told == [
        (line.keys.verdict_channel, '["told"]'),
        (line.keys.live_channel, "settled"),
        (line.keys.verdict_channel, "end"),
    ]


def test_a_postponed_claim_waits_and_the_try_does_not_count(line: Line) -> None:
    line.line_up(1)
    claim = line.claimed()
    for _ in range(3 * MAX_TRIES):
        line.expire_leases()
        assert line.claimed() == claim
        line.live.postpone(line.sale_id, claim, 60_000)
        assert line.claim().code == ClaimCode.EMPTY
    assert line.look().parked == 0


def test_postponing_a_settled_claim_does_not_bring_it_back(line: Line) -> None:
    line.line_up(1)
    claim = line.claimed()
    line.settle(claim)
    line.live.postpone(line.sale_id, claim, 0)
    assert line.look().claims == 0


def test_refused_rows_are_parked_apart_from_their_claim(line: Line) -> None:
    line.line_up(4)
    claim = line.claimed()
    bad = claim.decisions[2].intent_id
    rest = line.live.split(line.sale_id, claim, [bad])
    line.check()
    assert rest is not None
    assert [one.ticket for one in rest.decisions] == [1, 2, 4]
    look = line.look()
    assert (look.claims, look.parked, look.number("held")) == (2, 1, 4)
    assert line.settle(rest)
    assert line.live.find(line.sale_id, bad) is not None


def test_splitting_again_changes_nothing(line: Line) -> None:
    line.line_up(3)
    claim = line.claimed()
    bad = [claim.decisions[0].intent_id]
    rest = line.live.split(line.sale_id, claim, bad)
    assert line.live.split(line.sale_id, claim, bad) == rest
    assert line.look().parked == 1


def test_a_claim_whose_rows_are_all_refused_is_parked_whole(line: Line) -> None:
    line.line_up(2)
    claim = line.claimed()
    assert line.live.split(line.sale_id, claim, [one.intent_id for one in claim.decisions]) is None
    look = line.look()
    assert (look.claims, look.parked) == (1, 1)


def test_splitting_a_settled_claim_gives_nothing(line: Line) -> None:
    line.line_up(1)
    claim = line.claimed()
    line.settle(claim)
    assert line.live.split(line.sale_id, claim, names(1)) is None
    assert line.look().claims == 0
