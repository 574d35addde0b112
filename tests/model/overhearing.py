"""The sandbox under test: a provider that records its answers, and webhooks that come when they are told to.

What a provider says is given, as the weather is: the model takes its words as they were overheard.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import text

from config import Settings
from models.database import Database
from models.errors import IdempotencyKeyReused
from models.tables.sandbox import SandboxCharge, SandboxEvent
from tasks.providers.port import Charge, Event, Outcome, ProviderUnavailable, Refund, State, Step
from tasks.providers.registry import Providers
from tasks.providers.sandbox import SandboxProvider
from tasks.providers.sandbox.books import settle_all
from tasks.providers.sandbox.events import charge_payload, new_event_id
from tasks.providers.sandbox.signature import HEADER, sign, webhook_secret

# Whatever takes time takes longer than any example; it is over when a rule says so.
METHODS: Final = (
    *("sandbox_ok", "sandbox_ok", "sandbox_decline", "sandbox_duplicate", "sandbox_disorder"),
    *("sandbox_timeout", "sandbox_timeout_charged", "sandbox_slow:3600", "sandbox_slow:3600"),
    *("sandbox_slow_decline:3600", "sandbox_late_webhook:3600", "sandbox_refund_fails"),
    "sandbox_refund_slow:3600",
)
NOT_TO_BE_ENDED: Final = ("sandbox_slow:3600", "sandbox_slow_decline:3600", "sandbox_late_webhook:3600")
SETTLE: Final = text("""
    UPDATE sandbox_charges SET settles_at = now() - interval '1 second'
    WHERE payment_id = ANY(CAST(:ids AS uuid[])) AND settles_at IS NOT NULL
""")
EVENTS: Final = text("SELECT payload FROM sandbox_events ORDER BY id")


class Overheard:
    """The sandbox, and all that it said."""

    def __init__(self, sandbox: SandboxProvider) -> None:
        self._sandbox = sandbox
        self.said: list[tuple[str, Outcome]] = []
        self.name = sandbox.name

    def accepts(self, method: str) -> bool:
        return self._sandbox.accepts(method)

    def next_step(self, method: str) -> Step | None:
        return self._sandbox.next_step(method)

    def charge(self, charge: Charge) -> Outcome:
        try:
            outcome = self._sandbox.charge(charge)
        except ProviderUnavailable:
            self.said.append(("charge", Outcome(State.PENDING)))
            raise
        self.said.append(("charge", outcome))
        return outcome

    def charge_all(
        self, charges: Sequence[Charge]
    ) -> Sequence[Outcome | ProviderUnavailable | IdempotencyKeyReused]:
        answers = self._sandbox.charge_all(charges)
        waits = Outcome(State.PENDING)
        self.said += [("charge", one if isinstance(one, Outcome) else waits) for one in answers]
        return answers

    def cancel(self, charge: Charge) -> Outcome:
        self.said.append(("cancel", self._sandbox.cancel(charge)))
        return self.said[-1][1]

    def refund(self, refund: Refund) -> Outcome:
        self.said.append(("refund", self._sandbox.refund(refund)))
        return self.said[-1][1]

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> Event:
        return self._sandbox.read_event(body, headers)


class OverheardProviders(Providers):
    """The overheard sandbox is the only provider."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.sandbox = Overheard(SandboxProvider(database, settings.payments, settings.secret_key))
        self._by_name = {self.sandbox.name: self.sandbox}
        self.current = self.sandbox


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook that the sandbox wrote, whether or not it was sent before."""

    payload: dict[str, Any]

    @property
    def event_id(self) -> str:
        return str(self.payload["id"])

    @property
    def payment_id(self) -> str:
        return str(self.payload["data"]["payment_id"])

    @property
    def is_refund(self) -> bool:
        return "refund_id" in self.payload["data"]

    @property
    def outcome(self) -> Outcome:
        said = self.payload["data"]
        return Outcome(State(said["state"]), said["ref"], said["code"])

    def signed(self, settings: Settings) -> tuple[bytes, dict[str, str]]:
        """Write it as it is sent now."""
        body = orjson.dumps(self.payload)
        secret = webhook_secret(settings.payments, settings.secret_key)
        return body, {HEADER: sign(secret, body, int(time.time()))}


def written_webhooks(database: Database) -> list[Webhook]:
    """List every webhook, in the order in which they were written."""
    with database.connection() as connection:
        return [Webhook(row.payload) for row in connection.execute(EVENTS)]


def settle_charges(database: Database, *payment_ids: str) -> None:
    """Let the time come at which these charges, or their refunds, settle."""
    with database.transaction() as session:
        session.execute(SETTLE, {"ids": list(payment_ids)})
        settle_all(session, [UUID(one) for one in payment_ids])


def change_its_mind(database: Database, payment_id: str) -> bool:
    """Let a charge that was declined succeed after all; says whether it had been."""
    with database.transaction() as session:
        row = session.get(SandboxCharge, UUID(payment_id))
        if row is None or row.state != State.DECLINED:
            return False
        row.state, row.code, row.settles_at = State.SUCCEEDED, None, None
        event_id = new_event_id()
        payload = charge_payload(row, State.SUCCEEDED, None, event_id=event_id, at=row.created_at)
        session.add(SandboxEvent(event_id=event_id, payload=payload, due_at=row.created_at))
    return True
