"""Owns what the pages say of paying: the test cards, and the plain words for what became of a payment."""

from typing import Final

from flask_babel import gettext

from models.events import Message
from tasks.context import Context
from web.pages.languages import N_

SECONDS: Final = "5"  # what a test card that waits waits for

# By the reason of an order's last change; the page's script gets the same words.
NOTES: Final = {
    "card_declined": N_("The card was declined. Nothing was charged; you may try another."),
    "insufficient_funds": N_(
        "There is not enough money on the card. Nothing was charged; you may try another."
    ),
    "expired_card": N_("The card has expired. Nothing was charged; you may try another."),
    "payment_timeout": N_(
        "The payment provider did not answer in time. Nothing was charged; you may try again."
    ),
    "payment_unanswered": N_(
        "The payment provider does not answer. If it charges you after all, your money comes back."
    ),
    "declined": N_("The payment was declined. Nothing was charged; you may try again."),
    "paid_too_late": N_(
        "Your payment came after the hold had run out. We see whether a unit is free; "
        "otherwise your money goes back."
    ),
    "late_payment_refunded": N_(
        "Your payment came after the hold had run out, and the units were gone. Your money went back."
    ),
    "held_again": N_("Your payment came late, and a unit was still free: it is yours."),
    "sale_cancelled": N_("The sale was cancelled."),
    "sale_ended": N_("The sale ended."),
    "deadline_passed": N_("It was not paid in time."),
    "by_shopper": N_("You gave it back."),
    "shopper_banned": N_("The account was banned."),
}


def notes() -> dict[str, str]:
    """All of these words in the visitor's language, by reason."""
    return {reason: gettext(words) for reason, words in NOTES.items()}


def reason_words(reason: str) -> str:
    """Say a reason in words; one that is not known here is told as it is."""
    return gettext(NOTES[reason]) if reason in NOTES else reason.replace("_", " ")


def note_of(order: Message | None) -> str:
    """Say in words why an order's last change happened; empty where the status says it all."""
    if not order or not order["history"]:
        return ""
    reason = order["history"][-1]["reason"]
    return reason_words(reason) if reason in NOTES else ""


def cards(context: Context) -> list[dict[str, str]]:
    """List the sandbox's methods as test cards; none where another provider charges."""
    return [
        {"value": one.spelling.replace(":N", f":{SECONDS}"), "says": one.says.replace(" N ", f" {SECONDS} ")}
        for one in context.providers.methods
    ]
