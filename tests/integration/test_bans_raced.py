"""A ban against processes that have not heard of it: whatever they let in is taken out again."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.synchronize import Event as Flag
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from config import Settings
from models.enums import OrderStatus
from models.errors import FlashSaleError
from models.tables.accounts import User
from models.tables.payments import Payment
from tasks.context import Context
from tasks.expulsion import bans, expelling
from tasks.intents.drain import finish_claim
from tasks.intents.submit import submit_intent
from tasks.payments.begin import begin_payment
from tasks.payments.drive import run_payment
from tasks.runtime.admin_log import Actor
from tests.support.contexts import context_over, plain_settings
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop

PROCESSES = 3


def keep_asking(settings: Settings, ids: tuple[UUID, UUID], flags: tuple[Flag, Flag], tally: Any) -> None:
    """Ask again and again for somebody, as a web process that has heard of no ban does."""
    is_banned, stop = flags
    with context_over(settings) as context:
        while not stop.is_set():
            was_banned = is_banned.is_set()
            try:
                submit_intent(context, *ids)
            except FlashSaleError:
                continue
            with tally.get_lock():
                tally[int(was_banned)] += 1


@contextmanager
def asking(stores: Stores, user_id: UUID, sale: SaleUnderTest) -> Iterator[tuple[Flag, Any]]:
    """Several processes that ask for one shopper."""
    forked = multiprocessing.get_context("forkserver")  # from a process that has imported this, and no more
    forked.set_forkserver_preload([__name__])
    is_banned, stop, tally = forked.Event(), forked.Event(), forked.Array("i", 2)
    arguments = (plain_settings(stores), (user_id, sale.id), (is_banned, stop), tally)
    processes = [forked.Process(target=keep_asking, args=arguments, daemon=True) for _ in range(PROCESSES)]
    for one in processes:
        one.start()
    try:
        yield is_banned, tally
    finally:
        stop.set()
        for one in processes:
            one.join(30)
            one.kill()


def admin_of(shop: Shop) -> Actor:
    return Actor(shop.admin())


def row_of(context: Context, user_id: UUID) -> User:
    with context.database.transaction() as session:
        return session.get_one(User, user_id)


def is_out(sale: SaleUnderTest, user_id: UUID) -> bool:
    """Say whether a shopper has nothing in a sale any more, once the platform has looked after it."""
    Shop(sale.context).sweep()
    sale.drain()
    orders = [one.status for one in sale.orders() if one.user_id == user_id]
    live_units = sale.context.live.units_of(sale.id, str(user_id))
    alive = {OrderStatus.HELD, OrderStatus.PAYING}
    return live_units == 0 and sale.is_idle() and not alive & set(orders)


def test_a_ban_that_is_raced_by_other_processes_leaves_nothing(shop: Shop, stores: Stores) -> None:
    sale, user_id = shop.open_sale(5), shop.shopper()
    with asking(stores, user_id, sale) as (is_banned, tally):
        eventually(lambda: sale.drain() and tally[0] > 0)
        bans.ban_shopper(shop.context, user_id, by=admin_of(shop), reason="bots")
        is_banned.set()
        shop.work_off()
        eventually(lambda: (sale.drain(), shop.sweep(), tally[1])[2])  # the ban let one more in
    eventually(lambda: is_out(sale, user_id), told=sale.orders)
    row, look = sale.row(), sale.look()
    assert (row.held, look.number("held"), look.number("available")) == (0, 0, 5)
    assert sale.audit().ok


def test_a_hold_that_is_persisted_after_the_expulsion_comes_home(shop: Shop) -> None:
    """The claim was made before the ban; a worker that stood still writes it down afterwards."""
    sale, user_id = shop.open_sale(1), shop.shopper()
    sale.submit(user_id)
    claim = sale.context.live.claim(sale.id, 10).claim
    assert claim is not None
    bans.ban_shopper(shop.context, user_id, by=admin_of(shop), reason=None)
    shop.work_off()
    shop.sweep()
    end_of_tokens(shop.context, user_id)
    shop.sweep()
    assert row_of(shop.context, user_id).expel_at is not None, "somebody of whom something is in flight"
    assert finish_claim(shop.context, sale.id, claim)
    assert [one.status for one in sale.orders()] == [OrderStatus.HELD]
    eventually(lambda: is_out(sale, user_id))
    eventually(lambda: shop.sweep() == 0 and row_of(shop.context, user_id).expel_at is None)
    assert sale.look().number("available") == 1


def end_of_tokens(context: Context, user_id: UUID) -> None:
    """Let the ban be so old that no token of before is good, and have the shopper looked for now."""
    with context.database.transaction() as session:
        long_ago = User.banned_at - expelling.MARGIN * 1_000
        session.execute(
            update(User).where(User.id == user_id).values(banned_at=long_ago, expel_at=User.created_at)
        )


def test_shoppers_are_looked_for_until_their_last_token_has_ended(shop: Shop) -> None:
    user_id = shop.shopper()
    bans.ban_shopper(shop.context, user_id, by=admin_of(shop), reason=None)
    seen: list[datetime | None] = []
    for _ in range(2):
        shop.sweep()
        seen.append(row_of(shop.context, user_id).expel_at)
    assert seen[0] is not None
    assert seen[0] == seen[1], "it is looked for again after a pause, not at every sweep"
    end_of_tokens(shop.context, user_id)
    shop.sweep()
    assert row_of(shop.context, user_id).expel_at is None


def test_who_pays_while_the_ban_comes_keeps_what_is_paid_and_is_looked_for_until_then(shop: Shop) -> None:
    sale, user_id = shop.open_sale(1), shop.shopper()
    sale.submit(user_id)
    sale.drain()
    (order,) = sale.orders()
    begin_payment(shop.context, user_id, order.id, method="sandbox_ok")
    bans.ban_shopper(shop.context, user_id, by=admin_of(shop), reason=None)
    shop.work_off()
    end_of_tokens(shop.context, user_id)
    shop.sweep()
    assert row_of(shop.context, user_id).expel_at is not None
    run_payment(shop.context, payment_of(shop.context))
    eventually(lambda: shop.sweep() == 0 and row_of(shop.context, user_id).expel_at is None)
    assert [one.status for one in sale.orders()] == [OrderStatus.PAID]


def payment_of(context: Context) -> UUID:
    with context.database.transaction() as session:
        return session.scalars(select(Payment.id)).one()


def test_an_unban_leaves_nothing_behind(shop: Shop) -> None:
    sale, user_id, admin = shop.open_sale(2), shop.shopper(), admin_of(shop)
    bans.ban_shopper(shop.context, user_id, by=admin, reason=None)
    bans.unban_shopper(shop.context, user_id, by=admin)
    row = row_of(shop.context, user_id)
    assert (row.banned_at, row.ban_reason, row.expel_at) == (None, None, None)
    sale.submit(user_id)
    shop.work_off()
    shop.sweep()
    sale.drain()
    assert sale.statuses() == ["held"], "a task of the ban that is over takes nobody out"


@pytest.mark.parametrize("place", ["lobby", "line", "standby"])
def test_an_intent_after_the_expulsion_is_out_at_the_next(shop: Shop, place: str) -> None:
    sale = shop.lobby() if place == "lobby" else shop.open_sale(1)
    user_id = shop.shopper()
    bans.ban_shopper(shop.context, user_id, by=admin_of(shop), reason=None)
    shop.work_off()
    if place == "standby":
        sale.submit(shop.shopper())
    intent = sale.submit(user_id)
    if place == "standby":
        sale.drain()
    shop.sweep()
    sale.drain()
    told = {str(one.id): one.status for one in sale.intents()}
    assert told[intent["id"]] == "left"
    assert sale.context.live.units_of(sale.id, str(user_id)) == 0
