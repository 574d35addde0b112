"""What the pages say of paying: test cards, Stripe's form, words for a payment's outcome."""

from typing import Any, Final
from urllib.parse import urlsplit

from flask_babel import gettext

from config import STRIPE_JS_URL
from models.enums import OrderStatus
from models.messages import Message
from tasks.context import Context
from web.http.middleware import CONTENT_POLICY
from web.shop.languages import N_, said

# docs.stripe.com/security/guide: where its script is from, where its frames are, and which hosts they call.
_STRIPE_HOSTS: Final = (
    "https://js.stripe.com https://*.js.stripe.com",
    "https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com",
    "https://api.stripe.com",
)
SECONDS: Final = "5"  # what a test card that waits waits for

# By the reason of a change of an order; the page's script gets the same words.
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
    "incorrect_number": N_("The card's number is not right. Nothing was charged; you may try again."),
    "incorrect_cvc": N_("The card's security code is not right. Nothing was charged; you may try again."),
    "payment_intent_authentication_failure": N_(
        "Your bank did not recognise you. Nothing was charged; you may try again."
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
    "deadline_passed": N_("The time to pay ran out, and the units went back to the line."),
    "by_shopper": N_("You gave it back."),
    "shopper_banned": N_("The shop ended this order."),
    "account_erased": N_("It was given back when the account was erased."),
    "cancelled": N_("The payment was ended. Nothing was charged; you may try again."),
    "amount_not_payable": N_("This amount cannot be paid with this currency here. Nothing was charged."),
    "unknown_method": N_("The payment provider does not know this method. You may try another."),
    "answered_late": N_("The payment provider answered late."),
    "paid_twice": N_(
        "A second payment of this order came through. It goes back to you; the first one counts."
    ),
    "second_payment_refunded": N_("The second payment of this order went back to you; the first one counts."),
    "sale_ended": N_("The sale ended."),
    "admin": N_("The shop gave your money back."),
    "late": N_("Your payment came too late. Your money went back."),
    "wrong_charge": N_(
        "The payment provider charged another amount than the order's. "
        "That pays nothing, and goes back to you."
    ),
    "wrong_charge_refunded": N_("The wrong amount that was charged went back to you."),
    "duplicate": N_("You had paid already. The second payment went back to you."),
}

# By the status that a change led to, for reasons without words: a provider's own codes, what admins wrote.
OTHERS: Final = {
    OrderStatus.HELD: N_(
        "The payment did not work. Nothing was charged; you may try again or pay another way."
    ),
    OrderStatus.PAYING: N_("The payment goes on."),
    OrderStatus.PAID: N_("Something was noted about your payment; your order is paid."),
    OrderStatus.REFUNDED: N_("The shop gave your money back."),
    OrderStatus.EXPIRED: N_("The hold is over."),
    OrderStatus.CANCELLED: N_("The order was cancelled."),
}


# What each of the sandbox's methods does, for people who try the shop.
CARDS: Final = {
    "sandbox_ok": N_("Works: paid at once"),
    "sandbox_decline": N_("Declined: the card is refused"),
    "sandbox_insufficient_funds": N_("Declined: there is not enough money"),
    "sandbox_expired_card": N_("Declined: the card has expired"),
    "sandbox_timeout": N_("Never answers: given up after a while"),
    "sandbox_timeout_charged": N_("Paid, but the first answer is lost"),
    "sandbox_slow": N_("Bank transfer: paid after %(seconds)s seconds"),
    "sandbox_slow_decline": N_("Bank transfer: declined after %(seconds)s seconds"),
    "sandbox_duplicate": N_("Paid, and told three times"),
    "sandbox_disorder": N_("Paid, and told in the wrong order"),
    "sandbox_late_webhook": N_("Paid, and told after %(seconds)s seconds"),
    "sandbox_no_webhook": N_("Paid, and told only when asked"),
    "sandbox_refund_fails": N_("Paid, and cannot be refunded"),
    "sandbox_refund_slow": N_("Paid, and a refund takes %(seconds)s seconds"),
    "sandbox_wrong_amount": N_("Charged with a wrong amount, which goes back"),
}


def notes() -> dict[str, dict[str, str]]:
    """All of these words in the visitor's language: by reason, and by status for all other reasons."""
    return {
        "reasons": {reason: gettext(words) for reason, words in NOTES.items()},
        "others": {status: gettext(words) for status, words in OTHERS.items()},
    }


def reason_words(reason: str) -> str:
    """A verdict's reason in words; empty where there are none for it."""
    return said(NOTES[reason]) if reason in NOTES else ""


def words_of(change: Message) -> str:
    """In words, why a change of an order happened; empty where it has no reason."""
    reason: str | None = change["reason"]
    return said(NOTES.get(reason) or OTHERS[OrderStatus(change["status"])]) if reason else ""


def cards(context: Context) -> list[dict[str, str]]:
    """List the sandbox's methods as test cards; none where another provider charges."""
    return [
        {
            "value": one.spelling.replace(":N", f":{SECONDS}"),
            "says": gettext(CARDS[one.name], seconds=SECONDS),
        }
        for one in context.providers.methods
    ]


def stripe_form(context: Context, currency: str) -> dict[str, Any] | None:
    """What the page's script needs for Stripe's form; None where another provider charges."""
    stripe = context.providers.stripe
    if stripe is None:
        return None
    key, script = stripe.settings.publishable_key, stripe.settings.js_url
    return {"key": key, "script": script, "scale": stripe.scale(currency)}


def content_policy(form: dict[str, Any]) -> str:
    """Widen the pages' policy by Stripe's hosts, for a page with its form and for no other."""
    scripts, frames, calls = _STRIPE_HOSTS
    if form["script"] != STRIPE_JS_URL:
        parts = urlsplit(form["script"])
        scripts = frames = calls = f"{parts.scheme}://{parts.netloc}"
    return f"{CONTENT_POLICY}; script-src 'self' {scripts}; frame-src {frames}; connect-src 'self' {calls}"
