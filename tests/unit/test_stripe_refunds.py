"""Stripe's refunds, over HTTP: a charge goes back once, whatever is lost, refused, late or done by hand."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from tasks.providers.port import Outcome, ProviderUnavailable, Refund, State
from tests.support.fake_stripe import faults
from tests.support.stripe_play import REFUND, StripePlay
from tests.unit.test_stripe_charges import play

__all__ = ["play"]

PENDING, SUCCEEDED, DECLINED = State.PENDING, State.SUCCEEDED, State.DECLINED


def ask(play: StripePlay, refund: Refund) -> Outcome | None:
    try:
        return play.provider.refund(refund)
    except ProviderUnavailable:
        return None


def given_back(play: StripePlay) -> list[str]:
    return [
        one["id"] for one in play.fake.books.refunds.values() if one["status"] in ("succeeded", "pending")
    ]


def test_a_charge_goes_back_whole_and_with_our_ids(play: StripePlay) -> None:
    charge = play.charged()
    refund = play.refund_of(charge)
    told = play.provider.refund(refund)
    assert told == Outcome(SUCCEEDED, given_back(play)[0])
    [entry] = play.fake.books.refunds.values()
    assert (entry["amount"], entry["payment_intent"]) == (1999, charge.ref)
    assert entry["metadata"] == {"refund_id": str(refund.refund_id), "payment_id": str(charge.payment_id)}
    assert play.fake.headers[-1]["idempotency-key"] == str(refund.refund_id)


def test_a_refund_that_takes_days_is_asked_about_by_its_name(play: StripePlay) -> None:
    play.fake.books.refund_statuses.append("pending")
    refund = play.refund_of(play.charged())
    told = play.provider.refund(refund)
    assert told.state == PENDING
    known = replace(refund, ref=told.ref)
    assert play.provider.refund(known) == told
    play.fake.books.settle_refund(told.ref or "", "succeeded")
    assert play.provider.refund(known) == Outcome(SUCCEEDED, told.ref)
    assert play.fake.asked(REFUND) == 1


def test_a_refund_whose_name_was_lost_is_told_as_it_stands_now(play: StripePlay) -> None:
    play.fake.books.refund_statuses.append("pending")
    refund = play.refund_of(play.charged())
    play.goes_wrong(faults.CUT_AFTER, at=REFUND)
    assert ask(play, refund) is None
    [name] = given_back(play)
    play.fake.books.settle_refund(name, "succeeded")
    assert ask(play, refund) == Outcome(SUCCEEDED, name)


@pytest.mark.parametrize("fault", faults.EVERY)
def test_whatever_gets_lost_it_goes_back_once(play: StripePlay, fault: str) -> None:
    refund = play.refund_of(play.charged())
    play.goes_wrong(fault, fault, at=REFUND)
    told = [ask(play, refund) for _ in range(4)]
    assert told[-1] == Outcome(SUCCEEDED, given_back(play)[0])
    assert len(given_back(play)) == 1


def test_after_the_keys_are_forgotten_it_goes_back_no_second_time(play: StripePlay) -> None:
    refund = play.refund_of(play.charged())
    play.goes_wrong(faults.CUT_AFTER, at=REFUND)
    assert ask(play, refund) is None
    play.fake.keys.forget()
    assert ask(play, refund) == Outcome(SUCCEEDED, given_back(play)[0])
    assert len(given_back(play)) == 1


def test_a_refund_that_failed_says_why_and_is_begun_again_on_request(play: StripePlay) -> None:
    play.fake.books.refund_statuses.append("pending")
    refund = play.refund_of(play.charged())
    first = play.provider.refund(refund)
    play.fake.books.settle_refund(first.ref or "", "failed", "expired_or_canceled_card")
    told = play.provider.refund(replace(refund, ref=first.ref))
    assert told == Outcome(DECLINED, first.ref, "expired_or_canceled_card")
    again = play.provider.refund(refund)  # without a reference: a new one
    assert again.state == SUCCEEDED
    assert given_back(play) == [again.ref]


def test_what_is_refused_says_why_and_may_be_asked_for_again(play: StripePlay) -> None:
    refund = play.refund_of(play.charged())
    play.fake.books.refuse_refunds = "charge_disputed"
    with capture_logs() as logs:
        assert play.provider.refund(refund) == Outcome(DECLINED, code="charge_disputed")
    assert [(one["event"], one["log_level"]) for one in logs] == [("stripe_refused", "error")]
    play.fake.books.refuse_refunds = ""
    assert play.provider.refund(refund).state == SUCCEEDED  # though its key has the old answer


def test_what_a_person_gave_back_at_stripe_is_given_back(play: StripePlay) -> None:
    charge = play.charged()
    by_hand = play.fake.books.refund({"payment_intent": charge.ref})
    with capture_logs() as logs:
        told = play.provider.refund(play.refund_of(charge))
    assert told == Outcome(SUCCEEDED, by_hand["id"])
    assert [one["event"] for one in logs] == ["stripe_refunded_elsewhere"]
    assert len(given_back(play)) == 1


def test_many_who_ask_for_one_refund_make_one(play: StripePlay) -> None:
    refund = play.refund_of(play.charged())
    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda _: ask(play, refund), range(16)))
    assert {one.state for one in told if one} <= {SUCCEEDED}
    assert ask(play, refund) == Outcome(SUCCEEDED, given_back(play)[0])
    assert len(given_back(play)) == 1


def test_a_refund_of_another_account_is_not_called_failed(play: StripePlay) -> None:
    with capture_logs() as logs:
        assert ask(play, play.refund_of(play.charged(), ref="re_999999")) is None
    assert [one["event"] for one in logs] == ["stripe_does_not_know"]
