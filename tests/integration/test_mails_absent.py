"""Mails to who was not there: holds that nobody heard of or that end soon, draws, what became of orders."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from models.enums import SaleStatus
from models.tables.accounts import AccountLink, User
from models.tables.mails import Mail
from models.tables.notices.verdicts import VerdictNotice
from tasks.mail.links import Links
from tasks.mail.messages import read_contents, write_letter
from tasks.notices.absent import has_due_notices, tell_due
from tasks.orders.holds import cancel_holds_of_shopper, cancel_order
from tasks.runtime.failpoints import Failed, arm
from tests.support.contexts import SECRET_KEY
from tests.support.mailing import MailShop
from tests.support.paying import Till
from tests.support.postbox import Postbox
from tests.support.shop import SaleUnderTest, Shop
from tests.support.threads import at_once
from web.sockets.delivery.heard import Heard

NOWHERE = Postbox(port=9).settings
URL = "https://shop.example"


def kinds(mailing: MailShop) -> Counter[str]:
    return Counter(mail.kind for mail in mailing.mails())


def told(mailing: MailShop) -> Counter[str]:
    """Let every notice be due, and have the mails entered."""
    mailing.make_notices_due()
    tell_due(mailing.shop.context)
    return kinds(mailing)


def hear(mailing: MailShop, sale: SaleUnderTest, *tickets: int) -> None:
    """Have sockets told of the verdicts of these tickets, and wait until it is noted."""
    heard = Heard(mailing.shop.context)
    for one in sale.intents():
        if one.ticket in tickets:
            heard.add("intent", {"id": str(one.id), "sale_id": str(one.sale_id), "status": one.status})
    heard.wake()
    heard.run_once()


def letter_of(mailing: MailShop, mail: Mail) -> str:
    with mailing.shop.context.database.transaction() as session:
        contents = read_contents(session, [mail], Links(URL, (SECRET_KEY,)))[mail.id]
    body = write_letter(mail, contents, NOWHERE).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_whose_hold_no_socket_heard_of_gets_one_mail_with_a_link(mailing: MailShop) -> None:
    sale, orders = mailing.held(2)
    assert not has_due_notices(mailing.shop.context)
    hear(mailing, sale, 1)
    assert told(mailing)["hold_begun"] == 1
    [mail] = [one for one in mailing.mails() if one.kind == "hold_begun"]
    assert mail.order_id == orders[1].id
    assert f"{URL}/o#" in letter_of(mailing, mail)
    with mailing.shop.context.database.transaction() as session:
        link = session.get_one(AccountLink, mail.contents["link"])
    assert (link.kind, link.order_id, link.user_id) == ("order", orders[1].id, orders[1].user_id)


def test_who_pays_or_gives_back_at_once_is_told_of_no_hold(mailing: MailShop) -> None:
    _, orders = mailing.held(3)
    mailing.till.pay(orders[0])
    cancel_order(mailing.till.context, orders[1].user_id, orders[1].id)
    assert told(mailing)["hold_begun"] == 1


def test_a_hold_after_standby_says_so(mailing: MailShop) -> None:
    sale, [order] = mailing.held()
    sale.line_up(mailing.shop.shoppers(1))
    sale.drain()
    cancel_order(mailing.till.context, order.user_id, order.id)
    sale.drain()
    told(mailing)
    [mail] = [one for one in mailing.mails() if one.kind == "hold_begun"]
    assert mail.contents["stood_by"]
    assert "you stood by" in letter_of(mailing, mail)


def test_a_hold_ends_soon_in_the_last_quarter_of_its_time_and_short_ones_do_not(mailing: MailShop) -> None:
    mailing.held(1, hold_seconds=119)
    _, [order] = mailing.held(1, hold_seconds=120)
    with mailing.shop.context.database.transaction() as session:
        [due_at] = session.scalars(select(VerdictNotice.due_at).where(VerdictNotice.kind == "hold_ends"))
    assert order.expires_at - due_at == timedelta(seconds=30)
    assert told(mailing)["hold_ends"] == 1


def test_who_got_nothing_in_a_draw_and_did_not_watch_is_told(mailing: MailShop) -> None:
    sale = mailing.shop.lobby(1, order="draw")
    sale.line_up(mailing.shop.shoppers(3))
    sale.move(SaleStatus.OPEN)
    sale.line_up(mailing.shop.shoppers(1))  # who came later was in no draw
    sale.drain()
    [order] = sale.orders()
    mailing.till.pay(order)
    mailing.shop.sweep()
    sale.drain()
    losers = [one.ticket for one in sale.intents() if one.status == "sold_out"]
    assert len(losers) == 3
    hear(mailing, sale, min(t for t in losers if t))
    assert told(mailing)["draw_result"] == 1


def test_no_draw_no_result(mailing: MailShop) -> None:
    sale, [order] = mailing.held()
    mailing.till.pay(order)
    sale.line_up(mailing.shop.shoppers(2))
    sale.drain()
    assert told(mailing)["draw_result"] == 0


@pytest.mark.parametrize("reason", ["deadline_passed", "by_shopper", "sale_cancelled", "shopper_banned"])
def test_what_became_of_an_order_is_told_with_its_reason(mailing: MailShop, reason: str) -> None:
    sale, [order] = mailing.held()
    context = mailing.till.context
    if reason == "deadline_passed":
        mailing.till.end_hold(order)
    elif reason == "by_shopper":
        cancel_order(context, order.user_id, order.id)
    elif reason == "sale_cancelled":
        sale.move(SaleStatus.CANCELLED)
    else:
        cancel_holds_of_shopper(context, order.user_id, "shopper_banned")
    mailing.shop.sweep()
    mailing.shop.sweep()
    mail = mailing.mail()
    kind = "order_expired" if reason == "deadline_passed" else "order_cancelled"
    assert (mail.kind, mail.order_id, mail.contents["reason"]) == (kind, order.id, reason)
    assert f"{URL}/orders/{order.id}" in letter_of(mailing, mail)


def test_who_does_not_want_a_kind_does_not_get_it(mailing: MailShop) -> None:
    _, [order] = mailing.held()
    with mailing.shop.context.database.transaction() as session:
        session.execute(
            update(User).where(User.id == order.user_id).values(mail_choices={"hold_begun": False})
        )
    assert told(mailing) == {"hold_ends": 1}


def test_nobody_gets_two_mails_of_one_thing(mailing: MailShop) -> None:
    """Several sweeps at once, whose leases are lost again and again, after one that died in the middle."""
    _, orders = mailing.held(40)
    context = mailing.shop.context
    mailing.make_notices_due()
    arm("absent_told:1:raise")
    try:
        with pytest.raises(Failed):
            tell_due(context)
    finally:
        arm("")
    assert mailing.mails() == []

    def sweep() -> None:
        for _ in range(5):
            mailing.make_notices_due()
            tell_due(context)

    at_once(*[sweep] * 4)
    assert kinds(mailing) == {"hold_begun": len(orders), "hold_ends": len(orders)}
    with context.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(AccountLink)) == 2 * len(orders)
        assert session.scalar(select(func.count()).select_from(VerdictNotice)) == 0


def test_without_mail_nothing_is_noted(shop: Shop) -> None:
    quiet = MailShop(shop, Till.over(shop.context))
    quiet.held()
    with shop.context.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(VerdictNotice)) == 0
