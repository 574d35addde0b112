"""The bugs of money that are planted: in scripts and functions, with the steps that show each."""

from typing import Final

from tests.model.bugs import Bug, Steps, come
from tests.model.races import (
    Situation,
    a_hold_comes_home_late,
    a_refund_overtakes_the_sale,
    the_live_side_is_rebuilt,
    two_give_a_late_charge_back,
)

SLOW: Final = "sandbox_slow:3600"


def _pay(method: str = "sandbox_ok") -> tuple[object, ...]:
    return ("pay", 0, method, "", "")


BUY: Final[Steps] = (come(0), ("drain",))
DRIVE: Final = ("drive", 0, "")
HEAR: Final = ("hear", 1, "")  # the oldest webhook that was not taken yet
PAID: Final[Steps] = (*BUY, _pay(), DRIVE)
TOO_LATE: Final[Steps] = (_pay(SLOW), ("fall_silent", 0), ("release", ""), HEAR, HEAR)

MONEY_BUGS: Final = {
    "expiry takes who is paying": Bug(
        "tasks.orders.holds:expire_due",
        (("Order.status == OrderStatus.HELD,", "Order.status.in_((OrderStatus.HELD, OrderStatus.PAYING)),"),),
        (*BUY, _pay(SLOW), ("time_passes", "deadline", 0), ("let_expire", [])),
    ),
    "an order is cancelled while it is paid": Bug(
        "tasks.orders.holds:cancel_order",
        (("Order.status == OrderStatus.HELD)", "Order.status.in_((OrderStatus.HELD, OrderStatus.PAYING)))"),),
        (*BUY, _pay(SLOW), ("cancel_order", 0, "")),
    ),
    "a decline does not unpin": Bug(
        "tasks.payments.outcomes:_decline",
        (("    move_order(changes, order, OrderStatus.HELD, reason=payment.code)\n", ""),),
        (*BUY, _pay("sandbox_decline"), DRIVE),
    ),
    "a pin has no end": Bug(
        "tasks.payments.outcomes:_wait",
        (("now < payment.pinned_until", "True"),),
        (*BUY, _pay(SLOW), DRIVE, ("time_passes", "pin", 0), DRIVE),
    ),
    "a silent provider is asked on and on": Bug(
        "tasks.payments.asking:_put",
        (("provider.cancel(begun.charge) if begun.is_out_of_patience else ", ""),),
        (*BUY, _pay("sandbox_timeout"), ("time_passes", "patience", 0), DRIVE),
    ),
    "a charge that comes too late is kept": Bug(
        "tasks.payments.outcomes:_succeed",
        (("PaymentStatus.LATE, None, now", "PaymentStatus.SUCCEEDED, now, None"),),
        (*BUY, *TOO_LATE),
    ),
    "the same success counts twice": Bug(
        "tasks.payments.outcomes:is_known",
        (("payment.status in CHARGED if", "False if"),),
        (*PAID, HEAR),
    ),
    "a payment begins beside an open one": Bug(
        "tasks.payments.begin:_refuse_unfit",
        (("if order.id in known.unanswered:", "if False:"),),
        (*BUY, _pay(SLOW), DRIVE, ("time_passes", "pin", 0), DRIVE, _pay()),
    ),
    "a charge has a new name each time": Bug(
        "tasks.payments.drive:_begun",
        (("        payment.id, payment.order_id", "        __import__('uuid').uuid4(), payment.order_id"),),
        (*BUY, _pay(), ("drive", 0, "dies:charged"), DRIVE),
    ),
    "a refund has a new name each time": Bug(
        "tasks.payments.refunds:_begin",
        (("        refund.id, payment.id,", "        __import__('uuid').uuid4(), payment.id,"),),
        (*PAID, ("ask_back", 0, ""), ("give_back", 0, "dies:refunded"), ("give_back", 0, "")),
    ),
    "a refund is noted twice": Bug(
        "tasks.payments.refunds:note_refund",
        (("refund.status == RefundStatus.SUCCEEDED or ", ""),),
        (*PAID, ("ask_back", 0, ""), ("give_back", 0, ""), HEAR, HEAR),
    ),
    "a webhook is stored before it is applied": Bug(
        "tasks.payments.webhooks:_take_one",
        (
            (
                "        noted, ring = _apply",
                "    failpoint('webhook_noted')\n    with APPLIED",
            ),
            ("APPLIED", "context.database.transaction() as session:\n        noted, ring = _apply"),
        ),
        (*BUY, _pay(), ("drive", 0, "dies:charged"), ("hear", 1, "dies:webhook_noted")),
    ),
    "a hold is sold and kept": Bug(
        "sell",
        (("    redis.call('HDEL', KEYS[2], ARGV[at])\n", ""),),
        (*BUY, _pay(), ("drive", 0, "reply:sell"), ("release", "")),
    ),
    "what was refunded comes home as often as it is released": Bug(
        "release",
        (("redis.call('HDEL', KEYS[4], ARGV[at])", ""),),
        (*PAID, ("ask_back", 0, ""), ("give_back", 0, "reply:release"), ("release", "")),
    ),
    "who paid late passes who stands by": Bug(
        "hold_again",
        (
            (
                "elseif redis.call('ZCARD', KEYS[3]) > 0 or redis.call('LLEN', KEYS[2]) > 0 then",
                "elseif false then",
            ),
        ),
        (come(0, 1), ("drain",), *TOO_LATE, DRIVE),
    ),
    "who paid late is sold as often as he asks": Bug(
        "hold_again",
        (
            ("local before = redis.call('HGET', KEYS[7], payment)", "local before = nil"),
            ("redis.call('HEXISTS', KEYS[5], intent) == 1\n", "false\n"),
        ),
        (*BUY, *TOO_LATE, ("drive", 0, "dies:held_again"), DRIVE),
        units=2,
    ),
    "who paid late is sold more than his limit": Bug(
        "hold_again",
        (("+ units > tonumber(state[3]) then", "+ units > 99 then"),),
        (
            *(("submit", [(0, 3, False, "")], ""), ("drain",), *TOO_LATE),
            *(("submit", [(0, 3, False, "")], ""), ("drain",), DRIVE),
        ),
        units=6,
    ),
    "the numbers of receipts have gaps": Bug(
        "tasks.payments.receipts:_take_numbers",
        (("ReceiptCounter.last + many", "ReceiptCounter.last + many + 1"),),
        (come(0, 1), ("drain",), _pay(), DRIVE, _pay(), DRIVE),
        units=2,
    ),
    "a cancelled sale keeps the money": Bug(
        "tasks.sweep:_look_after",
        (("        refund_orders_of(context, sale.id)\n", ""),),
        (*PAID, ("move", "cancelled", ""), ("sweep",)),
    ),
    "who is paid late in a cancelled sale is forgotten": Bug(
        "tasks.sweep:_mark_drained",
        (("            .where(~_IS_ASKING_AGAIN)\n", ""),),
        (*BUY, *TOO_LATE, ("drive", 0, "dies:held_again"), ("move", "cancelled", ""), ("sweep",)),
    ),
}
# What only the order of the steps of two workers shows, and where it does.
RACES: Final[dict[str, tuple[Situation, Bug]]] = {
    "an ended hold takes what was sold again": (
        a_hold_comes_home_late,
        Bug("release", (("elseif at > 5 + tonumber(ARGV[5]) then", "else"),), ()),
    ),
    "a late charge is given back to each who asks": (
        two_give_a_late_charge_back,
        Bug("tasks.payments.late:_refund", ((" or _is_refunded(session, payment_id)", ""),), ()),
    ),
    "a rebuild forgets to whom units were sold again": (
        the_live_side_is_rebuilt,
        Bug(
            "tasks.sales.rebuilding.rebuild:_rebuilt_snapshot", (("_fitting(sale, asking, units)", "[]"),), ()
        ),
    ),
    "that units are asked for again is not noted": (
        the_live_side_is_rebuilt,
        Bug(
            "tasks.payments.late:_note_asking",
            (("payment.regain_asked_at = payment.regain_asked_at or ledger_time(session)", "pass"),),
            (),
        ),
    ),
    "who was refunded meanwhile is noted as home": (
        a_refund_overtakes_the_sale,
        Bug(
            "tasks.orders.holds:_release",
            (("tuple_(Order.id, Order.status).in_(seen)", "Order.id.in_([one for one, _ in seen])"),),
            (),
        ),
    ),
}
BY_INTERLEAVING: Final = (
    "expiry takes who is paying",
    "a charge that comes too late is kept",
    "a charge has a new name each time",
    "what was refunded comes home as often as it is released",
    "who paid late passes who stands by",
)
BY_WALKING: Final = (
    "the same success counts twice",
    "a decline does not unpin",
    "a charge that comes too late is kept",
)
