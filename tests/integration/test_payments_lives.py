"""The life of a payment, word by word of its provider: paid, declined, unanswered, late, given back."""

from collections import deque

import pytest

from models.enums import SaleStatus
from models.errors import IdempotencyKeyReused, NotRefundable, OrderNotHeld, PaymentInProgress
from models.tables.orders import Order
from tasks.orders.holds import cancel_order
from tasks.payments.begin import begin_payment
from tasks.payments.refunds import request_refund
from tasks.runtime.admin_log import Actor
from tests.support.paying import NO, OK, SILENCE, WAIT, Till
from tests.support.shop import SaleUnderTest, Shop


def sold(shop: Shop, units: int = 3, buyers: int = 1, **more: int) -> tuple[SaleUnderTest, list[Order]]:
    sale = shop.open_sale(units, **more)
    users = shop.shoppers(buyers)
    sale.line_up(users)
    sale.drain()
    orders = {order.user_id: order for order in sale.orders()}
    return sale, [orders[user] for user in users if user in orders]


def figures(sale: SaleUnderTest) -> tuple[int, int, int]:
    look, row = sale.look(), sale.row()
    live = (look.number("available"), look.number("held"), look.number("sold"))
    assert live == (row.available, row.held, row.sold)
    assert sale.audit().ok
    return live


def test_a_paid_order_is_sold_and_has_a_receipt(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    payment_id = till.begin(order)
    assert till.order(order)["status"] == "paying"
    assert figures(sale) == (2, 1, 0)
    till.drive(payment_id)
    told = till.order(order)
    assert told["status"] == "paid"
    assert told["paid_at"] is not None
    assert told["receipt_number"].endswith("-000001")
    assert figures(sale) == (2, 0, 1)
    assert till.story(order) == [("held", None), ("paying", None), ("paid", None)]


def test_a_word_heard_often_counts_once(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    payment_id = till.pay(order)
    for _ in range(3):
        till.hear(payment_id, OK)
        till.hear(payment_id, NO)
        till.hear(payment_id, WAIT)
        till.drive(payment_id)
    assert till.provider.asked == ["charge"]
    assert [one.status for one in till.payments(order)] == ["succeeded"]
    assert figures(sale) == (2, 0, 1)


def test_a_declined_payment_gives_the_hold_back_and_another_may_follow(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    till.provider.charges = deque([NO, OK])
    till.pay(order)
    assert till.story(order)[-1] == ("held", "card_declined")
    assert figures(sale) == (2, 1, 0)
    till.pay(order)
    assert [one.status for one in till.payments(order)] == ["declined", "succeeded"]
    assert figures(sale) == (2, 0, 1)


def test_who_pays_neither_expires_nor_cancels_nor_pays_twice(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    till.begin(order)
    till.end_hold(order)
    shop.sweep()
    assert till.order(order)["status"] == "paying"
    with pytest.raises(OrderNotHeld):
        cancel_order(shop.context, order.user_id, order.id)
    with pytest.raises(PaymentInProgress):
        till.begin(order)
    assert figures(sale) == (2, 1, 0)


def test_a_declined_payment_of_an_overdue_hold_lets_it_expire(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    payment_id = till.begin(order)
    till.end_hold(order)
    till.hear(payment_id, NO)
    shop.sweep()
    assert [status for status, _ in till.story(order)] == ["held", "paying", "held", "expired"]
    assert figures(sale) == (3, 0, 0)
    with pytest.raises(OrderNotHeld):
        till.begin(order)


def test_a_silent_provider_is_asked_to_end_the_charge(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    till.provider.charges = deque([SILENCE])
    payment_id = till.pay(order)
    assert till.order(order)["status"] == "paying"
    till.lose_patience(payment_id)
    till.drive(payment_id)
    assert till.provider.asked == ["charge", "cancel"]
    assert till.story(order)[-1] == ("held", "payment_timeout")
    assert figures(sale) == (2, 1, 0)


def test_a_charge_that_was_made_before_it_could_be_ended_pays(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    till.provider.charges, till.provider.cancels = deque([SILENCE]), deque([OK])
    payment_id = till.pay(order)
    till.lose_patience(payment_id)
    till.drive(payment_id)
    assert till.order(order)["status"] == "paid"
    assert figures(sale) == (2, 0, 1)


def abandoned(shop: Shop, till: Till, order: Order) -> None:
    """Let the provider keep silent until the pin has ended, and the hold expire."""
    till.provider.charges, till.provider.cancels = deque([SILENCE]), deque([SILENCE])
    payment_id = till.pay(order)
    till.end_hold(order)
    till.lose_patience(payment_id, pin=True)
    till.drive(payment_id)
    shop.sweep()
    assert till.story(order)[-2:] == [("held", "payment_unanswered"), ("expired", "deadline_passed")]


def test_a_late_success_is_held_again_where_a_unit_is_free(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    abandoned(shop, till, order)
    assert figures(sale) == (3, 0, 0)
    payment = till.payments(order)[0]
    till.hear(payment.id, OK)
    assert not till.refunds()
    till.drive(payment.id)
    till.drive(payment.id)
    assert till.story(order)[-2:] == [("expired", "paid_too_late"), ("paid", "held_again")]
    assert till.refunds() == []
    assert figures(sale) == (2, 0, 1)


def test_a_late_success_is_refunded_where_others_got_the_unit(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop, units=1, buyers=2)
    abandoned(shop, till, order)
    sale.drain()
    payment = till.payments(order)[0]
    till.hear(payment.id, OK)
    till.drive(payment.id)
    till.drive(payment.id)
    till.drive_refunds()
    till.drive_refunds()
    assert till.story(order)[-2:] == [("expired", "paid_too_late"), ("expired", "late_payment_refunded")]
    assert [one.status for one in till.payments(order)] == ["refunded"]
    assert [(one.cause, one.status) for one in till.refunds()] == [("late", "succeeded")]
    assert figures(sale) == (0, 1, 0)


def test_who_stands_by_goes_before_who_paid_late(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop, units=1, buyers=2)
    abandoned(shop, till, order)  # the unit is free, and somebody stands by for it
    payment = till.payments(order)[0]
    till.hear(payment.id, OK)
    till.drive(payment.id)
    till.drive_refunds()
    sale.drain()
    assert sale.statuses() == ["held", "held"]
    assert till.payments(order)[0].status == "refunded"
    assert figures(sale) == (0, 1, 0)


def test_a_success_before_the_given_up_hold_expires_pays(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    till.provider.charges, till.provider.cancels = deque([SILENCE]), deque([SILENCE])
    payment_id = till.pay(order)
    till.lose_patience(payment_id, pin=True)
    till.drive(payment_id)
    assert till.order(order)["status"] == "held"
    with pytest.raises(PaymentInProgress):
        till.begin(order)
    till.hear(payment_id, OK)
    assert till.order(order)["status"] == "paid"
    assert figures(sale) == (2, 0, 1)


def test_a_declined_charge_that_succeeds_after_all_is_refunded_and_not_kept(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    till.provider.charges = deque([NO, OK])
    first = till.pay(order)
    till.pay(order)
    till.hear(first, OK)
    till.drive(first)
    till.drive_refunds()
    assert [one.status for one in till.payments(order)] == ["refunded", "succeeded"]
    assert [one.cause for one in till.refunds()] == ["duplicate"]
    assert till.order(order)["status"] == "paid"
    assert figures(sale) == (2, 0, 1)


def test_a_refund_gives_money_and_units_back_once(shop: Shop, till: Till) -> None:
    admin = shop.admin()
    sale, [order, waiting] = sold(shop, units=2, buyers=2)
    with pytest.raises(NotRefundable):
        request_refund(till.context, order.id, by=Actor(admin))
    till.pay(order)
    for _ in range(2):
        assert request_refund(till.context, order.id, by=Actor(admin), reason="broken")["status"] == "paid"
    till.drive_refunds()
    assert till.story(order)[-1] == ("refunded", "broken")
    assert till.order(order)["refunded_at"] is not None
    assert till.provider.asked == ["charge", "refund"]
    assert figures(sale) == (1, 1, 0)
    sale.submit(order.user_id)  # what was refunded counts no more against the limit
    sale.drain()
    assert figures(sale) == (0, 2, 0)
    with pytest.raises(NotRefundable):
        request_refund(till.context, order.id, by=Actor(admin))
    with pytest.raises(NotRefundable):
        request_refund(till.context, waiting.id, by=Actor(admin))


def test_a_refused_refund_may_be_asked_for_again(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop)
    till.pay(order)
    till.provider.refunds = deque([NO, SILENCE, OK])
    for _ in range(2):
        request_refund(till.context, order.id, by=None)
        till.drive_refunds()
        assert till.order(order)["status"] == "paid"
    till.drive_refunds()
    assert till.order(order)["status"] == "refunded"
    assert figures(sale) == (3, 0, 0)


def test_the_cancelling_of_a_sale_refunds_who_paid(shop: Shop, till: Till) -> None:
    sale, orders = sold(shop, buyers=3)
    till.pay(orders[0])
    late = till.begin(orders[1])
    sale.move(SaleStatus.CANCELLED)
    shop.sweep()
    till.drive(late)
    shop.sweep()
    till.drive_refunds()
    shop.sweep()
    assert [till.order(one)["status"] for one in orders] == ["refunded", "refunded", "cancelled"]
    assert [one.cause for one in till.refunds()] == ["sale_cancelled"] * 2
    assert figures(sale) == (3, 0, 0)
    assert sale.row().drained_at is not None


def test_a_key_pays_once_and_for_one_order_only(shop: Shop, till: Till) -> None:
    sale, [order] = sold(shop, limit=2)
    payment_id = till.begin(order, key="k")
    assert till.begin(order, key="k") == payment_id
    till.drive(payment_id)
    again = begin_payment(till.context, order.user_id, order.id, method="sandbox_ok", key="k")
    assert again["status"] == "paid"
    with pytest.raises(IdempotencyKeyReused):
        till.begin(order, key="k", method="sandbox_decline")
    sale.submit(order.user_id)
    sale.drain()
    other = next(one for one in sale.orders() if one.id != order.id)
    with pytest.raises(IdempotencyKeyReused):
        till.begin(other, key="k")
    assert till.provider.asked == ["charge"]


def test_receipts_are_numbered_without_gaps(shop: Shop, till: Till) -> None:
    _, orders = sold(shop, units=4, buyers=4)
    till.provider.charges = deque([OK, NO, OK, OK, OK])
    for order in orders:
        till.pay(order)
    till.pay(orders[1])
    numbers = sorted(int(till.order(one)["receipt_number"][5:]) for one in orders)
    assert numbers == list(range(numbers[0], numbers[0] + 4))
