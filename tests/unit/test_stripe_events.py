"""Stripe's webhooks: whose they are, when they are, and what each kind says of ours."""

import time
import uuid

import orjson
import pytest

from tasks.providers.port import BadSignature, Event, Outcome, State
from tests.support.fake_stripe.webhooks import HEADER, pack, sign
from tests.support.stripe_play import OLD_SECRET, WEBHOOK_SECRET, StripePlay
from tests.unit.test_stripe_charges import play

__all__ = ["play"]


def event(kind: str, **subject: object) -> dict[str, object]:
    return {"id": "evt_1", "object": "event", "type": kind, "created": 1, "data": {"object": subject}}


def test_what_the_account_tells_of_a_payment_is_read(play: StripePlay) -> None:
    paid, lost, waiting = play.charged(), play.charged("pm_card_declined"), play.charged("pm_card_3ds")
    told = [(one.kind, one.payment_id, one.outcome) for one in play.hear()]
    assert told == [
        ("payment_intent.created", None, None),
        ("payment_intent.succeeded", paid.payment_id, Outcome(State.SUCCEEDED, paid.ref)),
        ("payment_intent.created", None, None),
        ("payment_intent.payment_failed", lost.payment_id, Outcome(State.PENDING, lost.ref)),
        ("payment_intent.canceled", lost.payment_id, Outcome(State.DECLINED, lost.ref, "card_declined")),
        ("payment_intent.created", None, None),
        ("payment_intent.requires_action", waiting.payment_id, Outcome(State.PENDING, waiting.ref)),
    ]


def test_what_the_account_tells_of_a_refund_is_a_bell_and_a_failed_one_an_alarm(play: StripePlay) -> None:
    charge = play.charged()
    refund = play.refund_of(charge)
    name = play.provider.refund(refund).ref or ""
    play.fake.books.settle_refund(name, "failed", "declined")
    made, whole, failed = play.hear()[-3:]
    assert (made.refund_id, made.outcome, made.alarm) == (
        refund.refund_id,
        Outcome(State.PENDING, name),
        None,
    )
    assert (whole.kind, whole.payment_id, whole.outcome) == ("charge.refunded", charge.payment_id, None)
    assert (failed.refund_id, failed.alarm, failed.charge_ref) == (
        refund.refund_id,
        "refund_failed",
        charge.ref,
    )


def test_disputes_and_refunds_by_hand_are_alarms_about_a_charge(play: StripePlay) -> None:
    charge = play.charged()
    play.fake.books.dispute(charge.ref or "")
    play.fake.books.refund({"payment_intent": charge.ref})
    alarms = [(one.alarm, one.charge_ref) for one in play.hear() if one.alarm]
    assert alarms == [("charge_disputed", charge.ref), ("refunded_elsewhere", charge.ref)]


@pytest.mark.parametrize(
    "subject",
    [
        {"id": "pi_1", "status": "succeeded"},
        {"id": "pi_1", "status": "succeeded", "metadata": {}},
        {"id": "pi_1", "status": "succeeded", "metadata": {"payment_id": "17"}},
        {"id": "pi_1", "status": "succeeded", "metadata": {"payment_id": 17}},
        {"id": "pi_1", "status": "succeeded", "metadata": "x"},
        {"status": "succeeded", "metadata": {"payment_id": str(uuid.uuid4())}},
    ],
)
def test_foreign_objects_say_nothing_of_ours(play: StripePlay, subject: dict[str, object]) -> None:
    told = play.read(event("payment_intent.succeeded", **subject))
    assert told == Event("evt_1", "payment_intent.succeeded")


def test_other_kinds_say_nothing(play: StripePlay) -> None:
    for kind in ("customer.created", "charge.succeeded", "payment_intent.created", "payout.paid"):
        ours = {"id": "x_1", "metadata": {"payment_id": str(uuid.uuid4())}}
        assert play.read(event(kind, **ours)) == Event("evt_1", kind)


def test_an_old_word_does_not_say_that_a_payment_which_moved_on_is_over(play: StripePlay) -> None:
    charge = play.charged("payment_element")
    play.fake.books.enter(charge.ref or "", "pm_card_declined")
    play.fake.books.enter(charge.ref or "", "pm_card_ok")
    failed, paid = play.hear()[-2:]
    assert failed.outcome == Outcome(State.PENDING, charge.ref)
    assert paid.outcome == Outcome(State.SUCCEEDED, charge.ref)


def test_any_of_the_secrets_is_good_while_one_is_rotated(play: StripePlay) -> None:
    play.charged()
    for secret in (WEBHOOK_SECRET, OLD_SECRET):
        assert len(play.hear(secret=secret)) == 2
    with pytest.raises(BadSignature):
        play.hear(secret="whsec_of_a_stranger")


def test_a_webhook_is_good_for_300_seconds(play: StripePlay) -> None:
    told = event("customer.created", id="cus_1")
    assert play.read(told, at=time.time() - 290).event_id == "evt_1"
    with pytest.raises(BadSignature):
        play.read(told, at=time.time() - 310)


def test_the_signature_is_over_the_raw_body(play: StripePlay) -> None:
    body = pack(event("customer.created", id="cus_1"))
    header = sign(WEBHOOK_SECRET, body)
    assert play.provider.read_event(body, {HEADER.lower(): header}).kind == "customer.created"
    for forged in (body + b" ", orjson.dumps(orjson.loads(body)), body.replace(b"cus_1", b"cus_2"), b""):
        with pytest.raises(BadSignature):
            play.provider.read_event(forged, {HEADER: header})


@pytest.mark.parametrize(
    "header", ["", "t=1", "v1=00", "t=x,v1=00", "t=1,v1=00", "nonsense", "t=\xe91,v1=\xe9", ",,,=,="]
)
def test_a_broken_signature_is_a_bad_one(play: StripePlay, header: str) -> None:
    body = pack(event("customer.created", id="cus_1"))
    now = int(time.time())
    for one in (header, f"t={now},v1=\xe9", f"t={now},v0=00"):
        with pytest.raises(BadSignature):
            play.provider.read_event(body, {HEADER: one})


def test_one_signature_is_needed(play: StripePlay) -> None:
    body = pack(event("customer.created", id="cus_1"))
    good = sign(WEBHOOK_SECRET, body)
    for headers in ({}, {"Stripe-Signature": good, "stripe-signature": good}):
        with pytest.raises(BadSignature):
            play.provider.read_event(body, headers)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b"{",
        b"[]",
        b"null",
        b'{"object": "event"}',
        b'{"object": "v2.core.event", "id": "evt_1", "type": "x", "data": {"object": {}}}',
        b'{"object": "event", "id": 7, "type": "x", "data": {"object": {}}}',
        b'{"object": "event", "id": "", "type": "x", "data": {"object": {}}}',
        b'{"object": "event", "id": "e", "type": "x", "data": {"object": []}}',
        b'{"object": "event", "id": "e", "type": "x", "data": null}',
    ],
)
def test_what_is_no_event_is_refused_though_it_is_signed(play: StripePlay, body: bytes) -> None:
    with pytest.raises(BadSignature):
        play.provider.read_event(body, {HEADER: sign(WEBHOOK_SECRET, body)})
