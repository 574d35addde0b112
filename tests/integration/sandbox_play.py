"""The sandbox for tests: its provider over real books, time that passes on request, received webhooks."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import select, update

from config import PaymentSettings
from models.database import Database
from models.tables.sandbox import SandboxCharge, SandboxEvent
from tasks.providers.port import Charge, Event, Refund
from tasks.providers.sandbox import SandboxProvider, deliver_due
from tests.support.contexts import SECRET_KEY
from tests.support.threads import at_once

SETTINGS: Final = PaymentSettings(
    provider="sandbox", patience_s=30, webhook_url="http://127.0.0.1:9/hook", sandbox_secret=""
)
CROWD: Final = 8

T = TypeVar("T")


class Play:
    """A sandbox, and somebody who asks it things and gets its webhooks."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.provider = SandboxProvider(database, SETTINGS, SECRET_KEY)

    def new_charge(self, method: str, **changes: Any) -> Charge:
        """A charge that nobody has asked for yet."""
        return replace(Charge(uuid.uuid4(), uuid.uuid4(), 1999, "USD", method, None), **changes)

    def charged(self, method: str) -> Charge:
        """A charge that was asked for, with the sandbox's name for it."""
        charge = self.new_charge(method)
        return replace(charge, ref=self.provider.charge(charge).ref)

    def refund_of(self, charge: Charge, **changes: Any) -> Refund:
        ref = self.row(charge).ref
        refund = Refund(uuid.uuid4(), charge.payment_id, ref, charge.amount_minor, charge.currency)
        return replace(refund, **changes)

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass for the books and the webhooks."""
        ago = timedelta(seconds=seconds)
        with self.database.connection() as connection:
            connection.execute(
                update(SandboxCharge).values(
                    settles_at=SandboxCharge.settles_at - ago, created_at=SandboxCharge.created_at - ago
                )
            )
            connection.execute(
                update(SandboxEvent).values(
                    due_at=SandboxEvent.due_at - ago, created_at=SandboxEvent.created_at - ago
                )
            )

    def row(self, charge: Charge) -> SandboxCharge:
        with self.database.transaction() as session:
            return session.get_one(SandboxCharge, charge.payment_id)

    def rows(self) -> list[SandboxCharge]:
        with self.database.transaction() as session:
            return list(session.scalars(select(SandboxCharge)))

    def events(self) -> list[SandboxEvent]:
        with self.database.transaction() as session:
            return list(session.scalars(select(SandboxEvent).order_by(SandboxEvent.id)))

    def kinds(self) -> list[str]:
        """The kinds of every webhook that was or will be sent."""
        return [event.payload["type"] for event in self.events()]

    def hear(self) -> list[Event]:
        """Take every webhook that is due, as the shop reads it."""
        heard: list[Event] = []

        def post(url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> int:
            assert (url, timeout_s) == (SETTINGS.webhook_url, 5.0)
            heard.append(self.provider.read_event(body, headers))
            return 200

        assert deliver_due(self.database, SETTINGS, SECRET_KEY, post) == len(heard)
        return heard

    def heard(self, charge: Charge | None = None) -> list[str]:
        """The kinds of the webhooks that are due, in the order of their coming."""
        heard = self.hear()
        if charge is not None:
            assert {event.payment_id for event in heard} <= {charge.payment_id, None}
        return [event.kind for event in heard]


def crowd_does(what: Callable[[int], T], count: int = CROWD) -> list[T]:
    """Do something from many threads at the same moment, each with its number."""
    return at_once(*(partial(what, number) for number in range(count)))
