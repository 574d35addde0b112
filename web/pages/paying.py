"""Owns what the pages say of paying: the test cards, and the plain words for what became of a payment."""

from typing import Final

from models.events import Message
from tasks.context import Context

SECONDS: Final = "5"  # what a test card that waits waits for

# By the reason of an order's last change; the page's script gets the same words.
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
}


def note_of(order: Message | None) -> str:
    """Say in words why an order's last change happened; empty where the status says it all."""
    if not order or not order["history"]:
        return ""
    return NOTES.get(order["history"][-1]["reason"] or "", "")


def cards(context: Context) -> list[dict[str, str]]:
    """List the sandbox's methods as test cards; none where another provider charges."""
    return [
        {"value": one.spelling.replace(":N", f":{SECONDS}"), "says": one.says.replace(" N ", f" {SECONDS} ")}
        for one in context.providers.methods
    ]
