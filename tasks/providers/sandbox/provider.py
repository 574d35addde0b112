"""The sandbox as a payment provider: the interface of `port.py`, over its own books and transactions."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sqlalchemy.exc import IntegrityError

from config import PaymentSettings
from models.database import Database
from models.errors import IdempotencyKeyReused
from tasks.providers.port import (
    BadSignature,
    Charge,
    Event,
    Outcome,
    ProviderUnavailable,
    Refund,
    State,
    Step,
)
from tasks.providers.sandbox.books import end_charge, enter_charge, enter_new_charges, tell_charge
from tasks.providers.sandbox.events import MOST_BYTES, read_payload
from tasks.providers.sandbox.methods import Terms, terms_of
from tasks.providers.sandbox.refunds import give_back
from tasks.providers.sandbox.signature import HEADER, verify, webhook_secret


class SandboxProvider:
    """A provider that behaves like a real one and moves no money; nothing connects before it is used."""

    name: Final = "sandbox"

    def __init__(
        self,
        database: Database,
        settings: PaymentSettings,
        secret_key: str,
        *,
        old_secret_keys: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._settings = settings
        self._secret_key = secret_key
        self._old_secret_keys = old_secret_keys
        self._clock = clock

    def accepts(self, method: str) -> bool:
        """Return whether this is one of the sandbox's methods, with its seconds where it takes some."""
        return terms_of(method) is not None

    def next_step(self, method: str) -> Step | None:  # noqa: ARG002 - no test card gives a client secret
        """None: the sandbox asks shoppers for nothing."""
        return None

    def charge(self, charge: Charge) -> Outcome:
        """Enter the charge, or find out what became of it."""
        terms = terms_of(charge.method)
        if terms is None:
            return _unknown_method()
        with self._database.transaction() as session:
            row, now = enter_charge(session, charge, terms)
            row.calls += 1
            calls, told = row.calls, tell_charge(row, now)
        return _said(charge, terms, calls, told)

    def charge_all(
        self, charges: Sequence[Charge]
    ) -> list[Outcome | ProviderUnavailable | IdempotencyKeyReused]:
        """Do what `charge` does for each, the new ones in one transaction; see `ChargesTogether`."""
        terms = {one.payment_id: terms_of(one.method) for one in charges}
        new = [(one, known) for one in charges if (known := terms[one.payment_id]) is not None]
        with self._database.transaction() as session:
            told = {
                row.payment_id: tell_charge(row, row.created_at)
                for row in (enter_new_charges(session, new) if len(new) > 1 else ())
            }
        return [self._answer(one, terms[one.payment_id], told.get(one.payment_id)) for one in charges]

    def _answer(
        self, charge: Charge, terms: Terms | None, told: Outcome | None
    ) -> Outcome | ProviderUnavailable | IdempotencyKeyReused:
        """Answer about a charge that was entered just now as `told`, or else ask about it alone."""
        try:
            if terms is None or told is None:
                return self.charge(charge)
            return _said(charge, terms, 1, told)
        except (ProviderUnavailable, IdempotencyKeyReused) as error:
            return error

    def cancel(self, charge: Charge) -> Outcome:
        """End a charge that is still pending, also one that never came."""
        terms = terms_of(charge.method)
        if terms is None:
            return _unknown_method()
        with self._database.transaction() as session:
            row, now = end_charge(session, charge, terms)
            return tell_charge(row, now)

    def refund(self, refund: Refund) -> Outcome:
        """Refund a charge, whole and once, or find out what became of that."""
        try:
            with self._database.transaction() as session:
                return give_back(session, refund)
        except IntegrityError as error:
            raise IdempotencyKeyReused(f"Another charge's refund has the id {refund.refund_id}.") from error

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> Event:
        """Verify and read a webhook."""
        if len(body) > MOST_BYTES:
            raise BadSignature("The body is too long.")
        signatures = [value for name, value in headers.items() if name.lower() == HEADER.lower()]
        if len(signatures) != 1:
            raise BadSignature(f"There is not one {HEADER}.")
        secret = webhook_secret(self._settings, self._secret_key)
        old = [webhook_secret(self._settings, key) for key in self._old_secret_keys]
        verify(secret, signatures[0], body, self._clock(), old=old)
        return read_payload(body)


def _said(charge: Charge, terms: Terms, calls: int, told: Outcome) -> Outcome:
    if terms.is_silent(calls, told.state):
        raise ProviderUnavailable(f"The sandbox gives no answer: {charge.method}.")
    return told


def _unknown_method() -> Outcome:
    return Outcome(State.DECLINED, code="unknown_method")
