"""The outbox: what moves money enters its mail in the same step, once, and only where mail is configured."""

from collections import deque

import pytest
from sqlalchemy import func, select

from models.enums import SaleStatus
from models.tables.mails import Mail
from tasks.payments.late import resolve_late
from tasks.payments.outcomes import note_charge
from tasks.payments.refunds import request_refund
from tasks.runtime.failpoints import Failed, arm
from tasks.sales.lifecycle import move_sale
from tests.support.mailing import MailShop, mail_shop_over
from tests.support.paying import NO, OK, WAIT, Till
from tests.support.postbox import Postbox
from tests.support.servers import Stores
from tests.support.shop import Shop

NOWHERE = Postbox(port=9).settings


def entered(mailing: MailShop) -> list[tuple[str, str]]:
    return [(mail.kind, mail.status) for mail in mailing.mails()]


def test_a_payment_enters_one_mail_with_its_receipt(mailing: MailShop) -> None:
    _, [order] = mailing.held()
    mailing.rename(order.user_id, "Ada")
    payment_id = mailing.till.begin(order)
    assert mailing.mails() == []
    for _ in range(3):
        mailing.till.drive(payment_id)
        mailing.till.hear(payment_id, OK)
    mail = mailing.mail()
    assert (mail.kind, mail.status, mail.attempts, mail.order_id) == ("receipt", "pending", 0, order.id)
    assert (mail.to_name, mail.to_email) == ("Ada", f"{order.user_id.hex}@example.com")
    assert mail.message_id == f"<receipt.{order.id}@shop.example>"


def test_who_does_not_pay_gets_no_mail(mailing: MailShop) -> None:
    _, [order] = mailing.held()
    mailing.till.provider.charges = deque([NO, WAIT])
    mailing.till.pay(order)
    mailing.till.pay(order)
    assert mailing.mails() == []


def test_money_that_went_back_is_told_once(mailing: MailShop) -> None:
    [order] = mailing.paid()
    request_refund(mailing.till.context, order.id, by=None)
    assert [kind for kind, _ in entered(mailing)] == ["receipt"]
    for _ in range(2):
        mailing.till.drive_refunds()
    assert [kind for kind, _ in entered(mailing)] == ["receipt", "refund"]
    [refund] = mailing.till.refunds()
    assert mailing.mails()[1].message_id == f"<refund.{refund.id}@shop.example>"


def test_a_refund_that_is_refused_tells_nothing(mailing: MailShop) -> None:
    [order] = mailing.paid()
    request_refund(mailing.till.context, order.id, by=None)
    mailing.till.provider.refunds = deque([NO])
    mailing.till.drive_refunds()
    assert [kind for kind, _ in entered(mailing)] == ["receipt"]


def test_a_late_charge_that_goes_back_is_told_without_a_receipt(mailing: MailShop) -> None:
    sale, [order] = mailing.held()
    payment_id = mailing.till.begin(order)
    mailing.till.lose_patience(payment_id, pin=True)
    mailing.till.provider.cancels = deque([WAIT])
    mailing.till.drive(payment_id)
    mailing.till.end_hold(order)
    mailing.shop.sweep()
    sale.line_up(mailing.shop.shoppers(1))
    sale.drain()
    mailing.till.hear(payment_id, OK)
    resolve_late(mailing.till.context, payment_id)
    mailing.till.drive_refunds()
    assert mailing.till.story(order)[-1] == ("expired", "late_payment_refunded")
    assert [kind for kind, _ in entered(mailing)] == ["order_expired", "refund"]


def test_a_cancelled_sale_tells_everybody_who_had_paid(mailing: MailShop) -> None:
    orders = mailing.paid(3)
    move_sale(mailing.till.context, orders[0].sale_id, SaleStatus.CANCELLED)
    mailing.shop.sweep()
    mailing.till.drive_refunds()
    refunds = [mail for mail in mailing.mails() if mail.kind == "refund"]
    assert {mail.order_id for mail in refunds} == {order.id for order in orders}


def test_without_configuration_nothing_is_entered_and_nothing_is_due(
    shop: Shop, till: Till, stores: Stores
) -> None:
    quiet = MailShop(shop, till)
    quiet.paid()
    assert quiet.mails() == []
    with mail_shop_over(stores, NOWHERE) as later:
        assert not later.shop.context.mailer.has_due()
        later.paid()
        assert len(later.mails()) == 1
        assert later.shop.context.mailer.has_due()
    assert not shop.context.mailer.has_due()
    assert shop.context.mailer.deliver() == 0


def test_a_payment_that_is_rolled_back_takes_its_mail_with_it(mailing: MailShop) -> None:
    _, [order] = mailing.held()
    payment_id = mailing.till.begin(order)
    with mailing.till.context.database.transaction() as session:
        note_charge(session, payment_id, OK)
        session.flush()
        assert session.scalar(select(func.count(Mail.id))) == 1
        session.rollback()
    assert mailing.mails() == []


def test_a_crash_right_after_a_payment_forgets_no_mail(mailing: MailShop) -> None:
    _, [order] = mailing.held()
    payment_id = mailing.till.begin(order)
    arm("charge_noted:1:raise")
    try:
        with pytest.raises(Failed):
            mailing.till.drive(payment_id)
    finally:
        arm("")
    assert mailing.mail().order_id == order.id
    assert mailing.shop.context.mailer.has_due()
