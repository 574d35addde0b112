"""The life of a payment by Stripe, from the shop's side: paid, declined, unanswered, late, given back."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from models.tables.orders import Order
from tasks.payments.refunds import request_refund
from tests.integration.test_payments_lives import figures, sold
from tests.support.contexts import RememberingBell
from tests.support.fake_stripe import FakeStripe, Fault, faults
from tests.support.paying import Till
from tests.support.shop import Shop
from tests.support.stripe_play import CREATE
from tests.support.stripe_till import StripeTill


@pytest.fixture
def till(shop: Shop) -> Iterator[StripeTill]:
    with FakeStripe() as fake:
        yield StripeTill.at(shop.context, fake)


def rung(till: StripeTill) -> list[tuple[str, str | None]]:
    """Who was rung for since the last time."""
    bell = till.context.bell
    assert isinstance(bell, RememberingBell)
    others, bell.others = bell.others, []
    return others


@pytest.mark.parametrize("method", ["pm_card_ok", "ctoken_card_ok"])
def test_a_paid_order_is_charged_once_and_sold(shop: Shop, till: StripeTill, method: str) -> None:
    sale, [order] = sold(shop)
    payment_id = till.pay(order, method)
    assert till.order(order)["status"] == "paid"
    assert till.order(order)["receipt_number"] is not None
    assert till.fake.books.charges == [till.ref(payment_id)]
    assert figures(sale) == (2, 0, 1)


def test_a_declined_card_gives_the_hold_back_and_another_pays(shop: Shop, till: StripeTill) -> None:
    sale, [order] = sold(shop)
    till.pay(order, "ctoken_card_insufficient")
    assert till.story(order)[-1] == ("held", "insufficient_funds")
    till.take_last("payment_intent.payment_failed")
    till.take_last("payment_intent.canceled")
    till.pay(order, "ctoken_card_ok")
    assert [one.status for one in till.payments(order)] == ["declined", "succeeded"]
    assert len(till.fake.books.charges) == 1
    assert figures(sale) == (2, 0, 1)


def test_a_shopper_is_told_what_to_do_and_has_until_the_hold_ends(shop: Shop, till: StripeTill) -> None:
    sale, [order] = sold(shop)
    payment_id = till.pay(order, "ctoken_card_3ds")
    ref = till.ref(payment_id)
    assert till.told(order)["payment"] == {
        "id": str(payment_id),
        "provider": "stripe",
        "next_step": "authenticate",
        "client_secret": f"{ref}_secret_x",
    }
    payment = till.payment(payment_id)
    assert payment.patience_until == order.expires_at
    assert payment.pinned_until > payment.patience_until
    till.drive(payment_id)
    assert till.payment(payment_id).patience_until == order.expires_at
    till.fake.books.go_on(ref)
    till.take_last("payment_intent.succeeded")
    assert till.told(order)["status"] == "paid"
    assert till.told(order)["payment"] is None
    assert till.payment(payment_id).client_secret is None
    assert figures(sale) == (2, 0, 1)


def test_who_has_to_act_at_the_last_moment_gets_two_minutes(shop: Shop, till: StripeTill) -> None:
    _, [order] = sold(shop)
    payment_id = till.begin(order, method="pm_card_3ds")
    till.end_hold(order)
    till.drive(payment_id)
    payment = till.payment(payment_id)
    assert (payment.patience_until - payment.created_at).total_seconds() == 120
    assert (payment.pinned_until - payment.patience_until).total_seconds() >= 30


def test_a_browser_that_confirms_pays(shop: Shop, till: StripeTill) -> None:
    sale, [order] = sold(shop)
    payment_id = till.pay(order, "payment_element")
    step = till.told(order)["payment"]
    assert (step["next_step"], step["client_secret"]) == ("confirm", f"{till.ref(payment_id)}_secret_x")
    till.fake.books.enter(till.ref(payment_id), "pm_card_ok")
    till.drive(payment_id)
    assert till.order(order)["status"] == "paid"
    assert figures(sale) == (2, 0, 1)


def test_a_browser_that_is_declined_ends_its_payment_and_the_next_one_pays(
    shop: Shop, till: StripeTill
) -> None:
    sale, [order] = sold(shop)
    payment_id = till.pay(order, "payment_element")
    till.fake.books.enter(till.ref(payment_id), "pm_card_expired")
    rung(till)
    till.take_last("payment_intent.payment_failed")
    assert rung(till) == [("run_payments", None)]
    till.drive(payment_id)
    assert till.story(order)[-1] == ("held", "expired_card")
    assert till.fake.books.intents[till.ref(payment_id)]["status"] == "canceled"
    till.pay(order)
    assert len(till.fake.books.charges) == 1
    assert figures(sale) == (2, 0, 1)


def test_a_bank_that_is_processing_asks_nothing_more_of_the_shopper(shop: Shop, till: StripeTill) -> None:
    _, [order] = sold(shop)
    payment_id = till.pay(order, "payment_element")
    assert till.told(order)["payment"] is not None
    till.fake.books.enter(till.ref(payment_id), "bank_bank")
    till.take_last("payment_intent.processing")
    till.drive(payment_id)
    assert till.told(order)["payment"] is None
    assert till.told(order)["status"] == "paying"


def test_what_was_told_stays_told_while_stripe_keeps_silent(shop: Shop, till: StripeTill) -> None:
    _, [order] = sold(shop)
    payment_id = till.pay(order, "payment_element")
    till.keeps_silent()
    till.drive(payment_id)
    assert till.told(order)["payment"] is not None


@pytest.mark.parametrize("fault", [faults.LIMITED, faults.CUT_BEFORE, faults.CUT_AFTER, faults.BROKEN])
def test_a_silent_stripe_is_asked_to_end_the_charge(shop: Shop, till: StripeTill, fault: str) -> None:
    sale, [order] = sold(shop)
    till.fake.faults.planned = [Fault(fault, CREATE)]
    payment_id = till.pay(order)
    assert till.order(order)["status"] == "paying"
    till.lose_patience(payment_id)
    till.drive(payment_id)
    assert till.story(order)[-1] == ("held", "payment_timeout")
    assert till.fake.books.charges == []
    assert {one["status"] for one in till.fake.books.intents.values()} == {"canceled"}
    till.pay(order)
    assert len(till.fake.books.charges) == 1
    assert figures(sale) == (2, 0, 1)


def test_a_shopper_who_never_acts_is_not_charged(shop: Shop, till: StripeTill) -> None:
    sale, [order] = sold(shop)
    payment_id = till.pay(order, "payment_element")
    till.end_hold(order)
    till.lose_patience(payment_id)
    till.drive(payment_id)
    shop.sweep()
    assert till.story(order)[-2:] == [("held", "payment_timeout"), ("expired", "deadline_passed")]
    till.fake.books.enter(till.ref(payment_id), "pm_card_ok")
    assert till.fake.books.charges == []
    assert figures(sale) == (3, 0, 0)


def abandoned(shop: Shop, till: StripeTill, order: Order) -> str:
    """Let Stripe fall silent until the hold is gone, and the shopper act then; returns the charge's name."""
    payment_id = till.pay(order, "ctoken_card_3ds")
    till.keeps_silent()
    till.end_hold(order)
    till.lose_patience(payment_id, pin=True)
    till.drive(payment_id)
    shop.sweep()
    assert till.story(order)[-2:] == [("held", "payment_unanswered"), ("expired", "deadline_passed")]
    till.speaks()
    till.fake.books.go_on(till.ref(payment_id))
    return till.ref(payment_id)


def test_a_late_success_is_refunded_where_others_got_the_unit(shop: Shop, till: StripeTill) -> None:
    sale, [order] = sold(shop, units=1, buyers=2)
    name = abandoned(shop, till, order)
    sale.drain()
    till.take_last("payment_intent.succeeded")
    till.drive(till.payments(order)[0].id)
    till.drive_refunds()
    assert till.story(order)[-1] == ("expired", "late_payment_refunded")
    assert [(one.cause, one.status) for one in till.refunds()] == [("late", "succeeded")]
    assert till.fake.books.left_of(name) == 0
    assert figures(sale) == (0, 1, 0)


def test_an_admins_refund_that_takes_days_is_told_when_it_is_done(shop: Shop, till: StripeTill) -> None:
    sale, [order] = sold(shop)
    till.pay(order)
    till.fake.books.refund_statuses.append("pending")
    request_refund(till.context, order.id, by=None, reason="broken")
    till.drive_refunds()
    [refund] = till.refunds()
    assert (refund.status, till.order(order)["status"]) == ("pending", "paid")
    till.fake.books.settle_refund(refund.ref or "", "succeeded")
    rung(till)
    till.take_last("refund.updated")
    assert rung(till) == [("run_refund", str(refund.id))]
    till.drive_refunds()
    assert till.story(order)[-1] == ("refunded", "broken")
    assert figures(sale) == (3, 0, 0)


def test_a_refund_that_failed_is_cried_out_and_may_be_asked_for_again(shop: Shop, till: StripeTill) -> None:
    sale, [order] = sold(shop)
    till.pay(order)
    till.fake.books.refund_statuses.append("pending")
    request_refund(till.context, order.id, by=None)
    till.drive_refunds()
    till.fake.books.settle_refund(till.refunds()[0].ref or "", "failed", "declined")
    with capture_logs() as logs:
        till.take_last("refund.failed")
        till.drive_refunds()
    assert [one["event"] for one in logs] == ["provider_alarm", "refund_failed"]
    assert [(one.status, one.code) for one in till.refunds()] == [("failed", "declined")]
    assert till.order(order)["status"] == "paid"
    request_refund(till.context, order.id, by=None)
    till.take_last("refund.created")  # old news of the one that failed
    till.drive_refunds()
    assert till.order(order)["status"] == "refunded"
    assert till.fake.books.left_of(till.ref(till.payments(order)[0].id)) == 0
    assert figures(sale) == (3, 0, 0)


def test_a_refund_that_fails_after_it_succeeded_is_cried_out_and_changes_nothing(
    shop: Shop, till: StripeTill
) -> None:
    sale, [order] = sold(shop)
    payment_id = till.pay(order)
    request_refund(till.context, order.id, by=None)
    till.drive_refunds()
    till.fake.books.settle_refund(till.refunds()[0].ref or "", "failed", "declined")
    with capture_logs() as logs:
        till.take_last("refund.failed")
    [alarm] = logs
    assert (alarm["event"], alarm["alarm"], alarm["log_level"]) == (
        "provider_alarm",
        "refund_failed",
        "error",
    )
    assert alarm["payment_id"] == str(payment_id)
    assert till.order(order)["status"] == "refunded"
    assert figures(sale) == (3, 0, 0)


def test_what_a_person_does_to_our_charges_at_stripe_is_cried_out_and_of_others_is_not(
    shop: Shop, till: StripeTill
) -> None:
    _, [order] = sold(shop)
    payment_id = till.pay(order)
    till.fake.books.dispute(till.ref(payment_id))
    till.fake.books.dispute("pi_of_others")
    till.fake.books.refund({"payment_intent": till.ref(payment_id)})
    with capture_logs() as logs:
        assert {till.take(event) for event in till.fake.books.events} == {True}
    alarms = [(one["alarm"], one["payment_id"]) for one in logs]
    assert alarms == [("charge_disputed", str(payment_id)), ("refunded_elsewhere", str(payment_id))]
    assert till.order(order)["status"] == "paid"
    request_refund(till.context, order.id, by=None)  # then the shop learns that it went back
    till.drive_refunds()
    assert till.order(order)["status"] == "refunded"


def test_a_refused_key_loses_no_payment(shop: Shop, till: StripeTill) -> None:
    sale, [order] = sold(shop)
    till.fake.secret_key = "sk_test_rolled"
    with capture_logs() as logs:
        payment_id = till.pay(order)
    assert "stripe_refuses_the_key" in [one["event"] for one in logs]
    assert till.order(order)["status"] == "paying"
    till.fake.secret_key = "sk_test_fake"
    till.drive(payment_id)
    assert till.order(order)["status"] == "paid"
    assert figures(sale) == (2, 0, 1)


def test_a_payment_of_the_sandbox_is_finished_there_after_the_shop_went_over_to_stripe(
    shop: Shop, till: StripeTill
) -> None:
    _, [order, other] = sold(shop, buyers=2)
    before = Till(shop.context, till.provider)
    old = before.begin(order)
    till.drive(old)
    till.pay(other)
    assert [till.payments(one)[0].provider for one in (order, other)] == ["sandbox", "stripe"]
    assert [till.order(one)["status"] for one in (order, other)] == ["paid", "paid"]
    assert len(till.fake.books.charges) == 1
