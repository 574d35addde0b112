"""settle, postpone and split: what becomes of a claim."""

from contextlib import closing
from dataclasses import replace

import pytest

from models.errors import Fenced
from models.live.records import ClaimCode, Decision, UnitsBack
from models.live.store import MAX_TRIES, Live
from tests.lua.line import Line, names


def test_settling_forgets_the_claim_and_its_intents(line: Line) -> None:
    answers = line.line_up(3)
    claim = line.claimed(2)
    assert line.settle(claim)
    assert line.look().claims == 0
    assert line.live.client.hlen(line.keys.claimed) == 0
    kept = [line.live.find(line.sale_id, answer.intent_id) is not None for answer in answers]
    assert kept == [False, False, True]


def back(one: Decision, kept: int) -> UnitsBack:
    """The ledger keeps so many units for an intent, whatever the claim set aside."""
    return UnitsBack(one.intent_id, one.user_id, one.granted, kept)


def test_settling_twice_is_settling_once(line: Line) -> None:
    line.line_up(3)
    claim = line.claimed()
    gone = [back(claim.decisions[0], 0)]
    assert line.settle(claim, units_back=gone)
    assert not line.settle(claim, units_back=gone)
    assert line.look().number("available") == 8


def test_a_claim_of_another_epoch_settles_nothing(line: Line) -> None:
    line.line_up(3)
    claim = replace(line.claimed(), epoch="before")
    with pytest.raises(Fenced):
        line.settle(claim)
    assert line.look().claims == 1


def figures(line: Line) -> tuple[int, int, int]:
    number = line.look().number
    return number("available"), number("held"), number("open_holds")


def test_units_that_the_ledger_did_not_grant_come_back(live: Live) -> None:
    line = Line(live, per_shopper_limit=3)
    line.line_up(3, quantity=3)
    claim = line.claimed()
    first, second, third = claim.decisions
    line.settle(claim, units_back=[back(first, 0), back(second, 1)])
    assert figures(line) == (6, 4, 2)
    assert [line.units_of(one.user_id) for one in claim.decisions] == [0, 1, 3]
    assert line.release(second.intent_id, third.intent_id, first.intent_id) == 4
    assert figures(line) == (10, 0, 0)


def test_units_that_the_ledger_granted_besides_are_taken(live: Live) -> None:
    line = Line(live, units=4, per_shopper_limit=3)
    line.line_up(2, quantity=3)
    claim = line.claimed()
    first, second = claim.decisions
    assert [one.granted for one in claim.decisions] == [3, 0]
    line.settle(claim, units_back=[back(second, 1)])
    assert figures(line) == (0, 4, 2)
    assert line.release(first.intent_id, second.intent_id) == 4
    assert figures(line) == (4, 0, 0)


def test_a_hold_that_went_home_before_its_claim_was_settled_does_not_come_back(line: Line) -> None:
    line.line_up(2)
    claim = line.claimed()
    home, sold = claim.decisions
    line.release(home.intent_id)
    line.sell(sold.intent_id)
    line.settle(claim, units_back=[back(home, 3), back(sold, 0)])
    assert figures(line) == (9, 0, 0)


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
