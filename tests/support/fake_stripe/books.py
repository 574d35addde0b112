"""The fake's state: PaymentIntents, refunds and their events. Knows no HTTP.

What a PaymentMethod does is in its name, as at Stripe in test mode; a ConfirmationToken `ctoken_…` does what
the `pm_…` of the same name does.
"""

import copy
import itertools
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any, Final

from tests.support.fake_stripe.answers import Object, Refused, invalid, missing

DECLINES: Final = {
    "card_declined": ("card_declined", "generic_decline"),
    "card_insufficient": ("card_declined", "insufficient_funds"),
    "card_stolen": ("card_declined", "stolen_card"),
    "card_expired": ("expired_card", None),
}
STATUSES: Final = {"card_ok": "succeeded", "card_3ds": "requires_action", "bank": "processing"}
OPEN: Final = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture")
LEAST: Final = 50


class Books:
    """One Stripe account, all of it under one lock; `events` are what has happened, oldest first."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.intents: dict[str, Object] = {}
        self.refunds: dict[str, Object] = {}
        self.events: list[Object] = []
        self.refund_statuses: deque[str] = deque()  # of the next refunds; else they succeed at once
        self.refuse_refunds: str = ""  # with this code
        self.charges: list[str] = []  # the PaymentIntents that were charged, in order
        self._numbers = itertools.count(1)

    def create(self, params: Object) -> Object:
        amount = params.get("amount", "")
        if not amount.isdigit() or params.get("currency") != params.get("currency", "").lower():
            raise invalid("parameter_invalid_integer", "amount", is_kept=False)
        if int(amount) < LEAST:
            raise invalid("amount_too_small", "amount", is_kept=False)
        name = f"pi_{self._number()}"
        intent = {
            "id": name,
            "object": "payment_intent",
            "amount": int(amount),
            "currency": params["currency"],
            "status": "requires_payment_method",
            "client_secret": f"{name}_secret_x",
            "metadata": params.get("metadata", {}),
            "automatic_payment_methods": params.get("automatic_payment_methods"),
            "payment_method": None,
            "last_payment_error": None,
            "cancellation_reason": None,
            "latest_charge": None,
        }
        self.intents[name] = intent
        self._tell("payment_intent.created", intent)
        return intent

    def retrieve(self, name: str) -> Object:
        if name not in self.intents:
            raise missing("intent")
        return self.intents[name]

    def confirm(self, name: str, params: Object) -> Object:
        intent = self.retrieve(name)
        token = params.get("payment_method") or params.get("confirmation_token") or ""
        param = "payment_method" if "payment_method" in params else "confirmation_token"
        self._require(intent, *OPEN[:3])
        what = token.split("_", 1)[-1]
        if what not in DECLINES and what not in STATUSES:
            raise invalid("resource_missing", param)
        intent["payment_method"] = token
        if what in DECLINES:
            raise self._decline(intent, *DECLINES[what])
        return self._become(intent, STATUSES[what])

    def enter(self, name: str, method: str) -> None:
        """Confirm as a shopper's browser does, by the client secret that it has."""
        with self.lock, suppress(Refused):
            self.confirm(name, {"payment_method": method})

    def cancel(self, name: str, reason: str | None) -> Object:
        intent = self.retrieve(name)
        self._require(intent, *OPEN)
        intent["cancellation_reason"] = reason
        return self._become(intent, "canceled")

    def search(self, payment_id: str) -> list[Object]:
        return [one for one in self.intents.values() if one["metadata"].get("payment_id") == payment_id]

    def go_on(self, name: str, *, is_fine: bool = True) -> Object:
        """Let what was waited for come to its end: the shopper answers their bank, the bank settles."""
        with self.lock:
            intent = self.intents[name]
            self._require(intent, "requires_action", "processing")
            if is_fine:
                return self._become(intent, "succeeded")
            self._decline(intent, "payment_intent_authentication_failure", None)
            return intent

    def refund(self, params: Object) -> Object:
        intent = self.intents.get(params.get("payment_intent", ""))
        if intent is None:
            raise invalid("resource_missing", "payment_intent")
        if self.refuse_refunds:
            raise invalid(self.refuse_refunds)
        if intent["status"] != "succeeded":
            raise invalid("charge_not_captured")
        if self.left_of(intent["id"]) == 0:
            raise invalid("charge_already_refunded")
        refund = {
            "id": f"re_{self._number()}",
            "object": "refund",
            "amount": self.left_of(intent["id"]),
            "payment_intent": intent["id"],
            "status": self.refund_statuses.popleft() if self.refund_statuses else "succeeded",
            "metadata": params.get("metadata", {}),
            "failure_reason": None,
        }
        self.refunds[refund["id"]] = refund
        self._tell("refund.created", refund)
        self._tell("charge.refunded", self.charge_of(intent))
        return refund

    def settle_refund(self, name: str, status: str, reason: str | None = None) -> None:
        """Let a refund become something else; it may fail even after it succeeded."""
        with self.lock:
            refund = self.refunds[name]
            refund["status"], refund["failure_reason"] = status, reason
            self._tell("refund.failed" if status == "failed" else "refund.updated", refund)

    def refunds_of(self, name: str) -> list[Object]:
        return [one for one in reversed(self.refunds.values()) if one["payment_intent"] == name]

    def left_of(self, name: str) -> int:
        """How much of a charge was not refunded."""
        standing = [one for one in self.refunds_of(name) if one["status"] not in ("failed", "canceled")]
        return int(self.intents[name]["amount"]) - sum(int(one["amount"]) for one in standing)

    def dispute(self, name: str) -> None:
        """Let the bank take a charge back."""
        dispute = {"id": f"dp_{self._number()}", "object": "dispute", "payment_intent": name, "metadata": {}}
        self._tell("charge.dispute.created", dispute)

    def charge_of(self, intent: Object) -> Object:
        """The charge of a PaymentIntent, with its metadata as it was at the confirmation."""
        return {
            "id": intent["latest_charge"],
            "object": "charge",
            "payment_intent": intent["id"],
            "metadata": dict(intent["metadata"]),
            "refunded": self.left_of(intent["id"]) == 0,
        }

    def shown(self) -> dict[str, Object]:
        """A copy of the PaymentIntents, by name."""
        with self.lock:
            return copy.deepcopy(self.intents)

    def _require(self, intent: Object, *statuses: str) -> None:
        if intent["status"] not in statuses:
            raise invalid("payment_intent_unexpected_state", payment_intent=intent)

    def _become(self, intent: Object, status: str) -> Object:
        intent["status"] = status
        if status == "succeeded":
            intent["latest_charge"], intent["last_payment_error"] = f"ch_{self._number()}", None
            self.charges.append(intent["id"])
        self._tell(f"payment_intent.{status}", intent)
        return intent

    def _decline(self, intent: Object, code: str, decline_code: str | None) -> Refused:
        error: Object = {"type": "card_error", "code": code}
        if decline_code:
            error["decline_code"] = decline_code
        intent["status"], intent["last_payment_error"] = "requires_payment_method", error
        intent["payment_method"] = None
        self._tell("payment_intent.payment_failed", intent)
        more: dict[str, Any] = {**error, "payment_intent": intent}
        return Refused(402, "card_error", code, more=more)

    def _number(self) -> str:
        return f"{next(self._numbers):06}"

    def _tell(self, kind: str, subject: Object) -> None:
        event = {
            "id": f"evt_{self._number()}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "type": kind,
            "created": int(time.time()),
            "data": {"object": copy.deepcopy(subject)},
        }
        self.events.append(event)
