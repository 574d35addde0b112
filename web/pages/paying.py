"""Owns what the pages say of paying: test cards, Stripe's form, the words for what became of a payment."""

from typing import Any, Final
from urllib.parse import urlsplit

from config import STRIPE_JS_URL
from models.events import Message
from models.vocabulary import OrderStatus
from tasks.context import Context
from web.finish import CONTENT_POLICY

# docs.stripe.com/security/guide: where its script is from, where its frames are, and whom they call.
_STRIPE_HOSTS: Final = (
    "https://js.stripe.com https://*.js.stripe.com",
    "https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com",
    "https://api.stripe.com",
)
SECONDS: Final = "5"  # what a test card that waits waits for

# By the reason of an order's last change; the page's script gets the same words.
NOTES: Final = {
    "card_declined": "The card was declined. Nothing was charged; you may try another.",
    "insufficient_funds": "There is not enough money on the card. Nothing was charged; you may try another.",
    "expired_card": "The card has expired. Nothing was charged; you may try another.",
    "payment_timeout": "The payment provider did not answer in time. Nothing was charged; you may try again.",
    "payment_unanswered": "The payment provider does not answer. "
    "If it charges you after all, your money comes back.",
    "incorrect_number": "The card's number is not right. Nothing was charged; you may try again.",
    "incorrect_cvc": "The card's security code is not right. Nothing was charged; you may try again.",
    "payment_intent_authentication_failure": "Your bank did not recognise you. Nothing was charged; "
    "you may try again.",
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
    history, reason = order["history"], order["history"][-1]["reason"]
    was_paying = len(history) > 1 and history[-2]["status"] == OrderStatus.PAYING
    is_declined = reason and order["status"] == OrderStatus.HELD and was_paying
    return NOTES.get(reason or "", NOTES["declined"] if is_declined else "")


def cards(context: Context) -> list[dict[str, str]]:
    """List the sandbox's methods as test cards; none where another provider charges."""
    return [
        {"value": one.spelling.replace(":N", f":{SECONDS}"), "says": one.says.replace(" N ", f" {SECONDS} ")}
        for one in context.providers.methods
    ]


def stripe_form(context: Context, currency: str) -> dict[str, Any] | None:
    """Say what the page's script needs for Stripe's form; None where another provider charges."""
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
