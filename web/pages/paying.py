"""Owns what the pages say of paying: the test cards, and the plain words for what became of a payment."""

from typing import Final

from models.events import Message
from models.vocabulary import OrderStatus
from tasks.context import Context

SECONDS: Final = "5"  # what a test card that waits waits for

# By the reason of a change of an order; the page's script gets the same words.
NOTES: Final = {
    "card_declined": "The card was declined. Nothing was charged; you may try another.",
    "insufficient_funds": "There is not enough money on the card. Nothing was charged; you may try another.",
    "expired_card": "The card has expired. Nothing was charged; you may try another.",
    "payment_timeout": "The payment provider did not answer in time. Nothing was charged; you may try again.",
    "payment_unanswered": "The payment provider does not answer. "
    "If it charges you after all, your money comes back.",
    "declined": "The payment was declined. Nothing was charged; you may try again.",
    "paid_too_late": "Your payment came after the hold had run out. We see whether a unit is free; "
    "otherwise your money goes back.",
    "late_payment_refunded": "Your payment came after the hold had run out, and the units were gone. "
    "Your money went back.",
    "held_again": "Your payment came late, and a unit was still free: it is yours.",
    "sale_cancelled": "The sale was cancelled.",
    "deadline_passed": "The time to pay ran out, and the units went back to the line.",
    "by_shopper": "You gave it back.",
    "shopper_banned": "The shop ended this order.",
    "cancelled": "The payment was ended. Nothing was charged; you may try again.",
    "unknown_method": "The payment provider does not know this method. You may try another.",
    "answered_late": "The payment provider answered late.",
    "paid_twice": "A second payment of this order came through. It goes back to you; the first one counts.",
    "second_payment_refunded": "The second payment of this order went back to you; the first one counts.",
    "admin": "The shop gave your money back.",
    "late": "Your payment came too late. Your money went back.",
    "duplicate": "You had paid already. The second payment went back to you.",
}

# By the status that a change led to, for reasons without words: a provider's own codes, what admins wrote.
OTHERS: Final = {
    OrderStatus.HELD: "The payment did not work. Nothing was charged; you may try again or pay another way.",
    OrderStatus.PAYING: "The payment goes on.",
    OrderStatus.PAID: "Something was noted about your payment; your order is paid.",
    OrderStatus.REFUNDED: "The shop gave your money back.",
    OrderStatus.EXPIRED: "The hold is over.",
    OrderStatus.CANCELLED: "The order was cancelled.",
}


def note_of(order: Message | None) -> str:
    """Say in words why an order's last change happened; empty where the status says it all."""
    return words_of(order["history"][-1]) if order and order["history"] else ""


def words_of(change: Message) -> str:
    """Say in words why a change of an order happened; empty where it has no reason."""
    reason: str | None = change["reason"]
    return NOTES.get(reason) or OTHERS[OrderStatus(change["status"])] if reason else ""


def cards(context: Context) -> list[dict[str, str]]:
    """List the sandbox's methods as test cards; none where another provider charges."""
    return [
        {"value": one.spelling.replace(":N", f":{SECONDS}"), "says": one.says.replace(" N ", f" {SECONDS} ")}
        for one in context.providers.methods
    ]
