"""The sandbox's refunds: whole, once, and told."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from models.errors import IdempotencyKeyReused
from tasks.providers.port import Outcome, Refund, State
from tests.integration.sandbox_play import CROWD, Play, crowd_does

PENDING, SUCCEEDED, DECLINED = State.PENDING, State.SUCCEEDED, State.DECLINED


def refund_from_all(play: Play, refunds: list[Refund]) -> list[Outcome]:
    return crowd_does(lambda number: play.provider.refund(refunds[number]), len(refunds))


def test_a_charge_is_given_back_whole_and_told(play: Play) -> None:
    charge = play.charged("sandbox_ok")
    play.hear()
    refund = play.refund_of(charge)
    told = play.provider.refund(refund)
    assert (told.state, told.code) == (SUCCEEDED, None)
    assert told.ref is not None
    assert told.ref.startswith("sbx_re_")
    assert play.row(charge).refunded_minor == charge.amount_minor
    (event,) = play.hear()
    assert (event.kind, event.refund_id, event.payment_id) == ("refund.succeeded", refund.refund_id, None)
    assert event.outcome == told


def test_asking_for_a_refund_again_gives_nothing_more(play: Play) -> None:
    charge = play.charged("sandbox_ok")
    refund = play.refund_of(charge)
    assert len({play.provider.refund(refund) for _ in range(4)}) == 1
    assert play.kinds() == ["charge.succeeded", "refund.succeeded"]
    assert play.provider.charge(charge).state == SUCCEEDED
    assert play.provider.cancel(charge).state == SUCCEEDED


def test_a_second_refund_of_a_charge_is_declined(play: Play) -> None:
    charge = play.charged("sandbox_ok")
    first, second = play.refund_of(charge), play.refund_of(charge)
    play.provider.refund(first)
    told = play.provider.refund(second)
    assert (told.state, told.code) == (DECLINED, "already_refunded")
    assert play.provider.refund(first).state == SUCCEEDED
    assert play.kinds() == ["charge.succeeded", "refund.succeeded"]


def test_a_slow_refund_comes_in_its_time(play: Play) -> None:
    charge = play.charged("sandbox_refund_slow:60")
    assert play.heard(charge) == ["charge.succeeded"]
    refund = play.refund_of(charge)
    assert play.provider.refund(refund).state == PENDING
    assert play.provider.charge(charge).state == SUCCEEDED
    assert play.provider.cancel(charge).state == SUCCEEDED
    play.pass_time(58)
    assert play.provider.refund(refund).state == PENDING
    assert play.provider.refund(play.refund_of(charge)).code == "already_refunded"
    assert play.row(charge).refunded_minor == 0
    assert play.hear() == []
    play.pass_time(2)
    told = play.provider.refund(refund)
    assert told.state == SUCCEEDED
    assert play.row(charge).refunded_minor == charge.amount_minor
    (event,) = play.hear()
    assert (event.kind, event.refund_id, event.outcome) == ("refund.succeeded", refund.refund_id, told)


def test_the_webhook_of_a_slow_refund_settles_it(play: Play) -> None:
    charge = play.charged("sandbox_refund_slow:60")
    play.provider.refund(play.refund_of(charge))
    play.pass_time(60)
    assert play.heard() == ["charge.succeeded", "refund.succeeded"]
    assert play.row(charge).refunded_minor == charge.amount_minor


def test_a_refund_that_fails_is_refused_for_good_and_told_once(play: Play) -> None:
    charge = play.charged("sandbox_refund_fails")
    play.hear()
    refund = play.refund_of(charge)
    told = play.provider.refund(refund)
    assert (told.state, told.code) == (DECLINED, "refund_refused")
    assert play.provider.refund(refund) == told
    assert play.provider.refund(play.refund_of(charge)).code == "refund_refused"
    (event,) = play.hear()
    assert (event.kind, event.refund_id, event.outcome) == ("refund.declined", refund.refund_id, told)
    assert play.row(charge).refunded_minor == 0


@pytest.mark.parametrize("method", ["sandbox_slow:60", "sandbox_late_webhook:60"])
def test_a_refund_of_a_pending_charge_waits_for_it(play: Play, method: str) -> None:
    charge = play.charged(method)
    refund = play.refund_of(charge)
    assert play.provider.refund(refund).state == PENDING
    assert play.row(charge).refund_id is None
    play.pass_time(60)
    assert play.provider.refund(refund).state == SUCCEEDED
    assert play.row(charge).state == SUCCEEDED


def test_what_was_not_charged_is_not_given_back(play: Play) -> None:
    declined = play.charged("sandbox_decline")
    assert play.provider.refund(play.refund_of(declined)).code == "not_charged"
    slow = play.charged("sandbox_slow_decline:60")
    play.pass_time(60)
    assert play.provider.refund(play.refund_of(slow)).code == "not_charged"
    assert {row.refund_id for row in play.rows()} == {None}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"charge_ref": "sbx_ch_other"}, "no_such_charge"),
        ({"payment_id": uuid.uuid4()}, "no_such_charge"),
        ({"amount_minor": 1998}, "amount_mismatch"),
        ({"amount_minor": 2000}, "amount_mismatch"),
        ({"currency": "EUR"}, "amount_mismatch"),
    ],
)
def test_a_refund_of_something_else_is_declined(play: Play, change: dict[str, Any], code: str) -> None:
    charge = play.charged("sandbox_ok")
    told = play.provider.refund(play.refund_of(charge, **change))
    assert (told.state, told.code) == (DECLINED, code)
    assert play.row(charge).refund_id is None


def test_one_refund_cannot_give_two_charges_back(play: Play) -> None:
    first, second = play.charged("sandbox_ok"), play.charged("sandbox_ok")
    refund = play.refund_of(first)
    play.provider.refund(refund)
    with pytest.raises(IdempotencyKeyReused):
        play.provider.refund(replace(play.refund_of(second), refund_id=refund.refund_id))
    assert play.row(second).refunded_minor == 0


def test_a_free_charge_can_be_given_back_too(play: Play) -> None:
    charge = play.new_charge("sandbox_refund_slow:60", amount_minor=0)
    play.provider.charge(charge)
    refund = play.refund_of(charge)
    assert play.provider.refund(refund).state == PENDING
    play.pass_time(60)
    assert play.provider.refund(refund).state == SUCCEEDED


def test_those_who_refund_at_once_by_one_id_refund_once(play: Play) -> None:
    for _ in range(2):
        charge = play.charged("sandbox_ok")
        refund = play.refund_of(charge)
        told = refund_from_all(play, [refund] * CROWD)
        assert {outcome.state for outcome in told} == {SUCCEEDED}
    assert play.kinds().count("refund.succeeded") == 2


def test_of_those_who_refund_at_once_by_other_ids_one_wins(play: Play) -> None:
    for _ in range(2):
        charge = play.charged("sandbox_ok")
        refunds = [play.refund_of(charge) for _ in range(CROWD)]
        told = refund_from_all(play, refunds)
        assert sorted(str(outcome.code) for outcome in told) == ["None"] + ["already_refunded"] * 7
        winner = next(refunds[number] for number, outcome in enumerate(told) if outcome.state == SUCCEEDED)
        assert play.row(charge).refund_id == winner.refund_id
    assert play.kinds().count("refund.succeeded") == 2
