"""Stores webhooks by the provider's ids of them, in the caller's transaction, so that each counts once."""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.tables.payments import WebhookEvent
from tasks.providers.port import Event

Received = tuple[str, Event]  # the provider's name, and what it says

_STORING: Final = (
    insert(WebhookEvent).on_conflict_do_nothing().returning(WebhookEvent.provider, WebhookEvent.event_id)
)


def key_of(received: Received) -> tuple[str, str]:
    """The key under which a webhook is stored."""
    return received[0], received[1].event_id


def store_event(session: Session, received: Received, payment_id: UUID | None) -> bool:
    """Store a webhook with the payment that it is about; returns whether it is new."""
    return session.execute(_STORING, [_row_of(received) | {"payment_id": payment_id}]).first() is not None


def store_events(session: Session, received: Iterable[Received]) -> set[tuple[str, str]]:
    """Store webhooks; returns the keys of those that are new.

    In one order everywhere, so that no two who store the same wait for each other.
    """
    rows = [_row_of(one) for one in sorted(received, key=key_of)]
    found = session.execute(_STORING, rows) if rows else ()
    return {(provider, event_id) for provider, event_id in found}


def forget_events(session: Session, received: Sequence[Received]) -> None:
    """Take out again what this transaction stored and cannot apply."""
    if received:
        stored = tuple_(WebhookEvent.provider, WebhookEvent.event_id).in_([key_of(one) for one in received])
        session.execute(delete(WebhookEvent).where(stored).execution_options(synchronize_session=False))


def _row_of(received: Received) -> dict[str, Any]:
    provider, event = received
    return {
        "provider": provider,
        "event_id": event.event_id,
        "kind": event.kind[:64],
        "payment_id": event.payment_id,
        "refund_id": event.refund_id,
        "state": event.outcome.state if event.outcome else None,
    }
