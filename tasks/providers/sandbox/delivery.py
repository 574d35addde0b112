"""Sends the sandbox's webhooks: those that are due, signed, repeated until they are accepted.

Any number of processes may send at once. What one of them sends is leased to it: after a crash it is
due again, so a webhook may arrive twice. No transaction is open while a URL is called.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPException
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from sqlalchemy import func, null, tuple_, update
from sqlalchemy.orm import Session

from config import PaymentSettings
from models import leases
from models.database import Database
from models.leases import Backoff
from models.tables.sandbox import SandboxEvent
from tasks.providers.sandbox.books import settle_all
from tasks.providers.sandbox.posting import Poster
from tasks.providers.sandbox.signature import HEADER, sign, webhook_secret

AT_ONCE: Final = 20
SLICE_S: Final = 2.0  # after which nothing more is leased, and the rest is handed back
TIMEOUT_S: Final = 5.0
LEASE: Final = timedelta(seconds=30)  # longer than a slice and the last call in it
SENT_AGAIN: Final = Backoff(first_s=1, longest_s=600)
GIVEN_UP_AFTER: Final = timedelta(days=3)

Post = Callable[[str, bytes, Mapping[str, str], float], int]

log: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Leased:
    id: int
    tries: int  # including this one; a different number means that the lease was lost
    payload: dict[str, Any]


def has_due(where: Database | Session) -> bool:
    """Return whether a webhook is due; reads the beginning of an index."""
    if isinstance(where, Database):
        with where.transaction() as session:
            return has_due(session)
    return leases.has_due(where, SandboxEvent)


def deliver_due(
    database: Database,
    settings: PaymentSettings,
    secret_key: str,
    post: Post | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
    slice_s: float = SLICE_S,
) -> int:
    """Send what is due, for about a slice of time; returns how many webhooks were answered with a 2xx.

    Raises:
        LedgerUnavailable: PostgreSQL is unavailable; what was leased is sent again.
        ConfigurationError: there is nothing to sign with.
    """
    secret = webhook_secret(settings, secret_key)
    until = time.monotonic() + slice_s
    delivered = 0
    with closing(Poster()) as poster:
        while leased := _lease(database):
            sent: list[tuple[_Leased, bool]] = []
            for event in leased:
                sent.append((event, _send(event, settings.webhook_url, secret, post or poster, timeout_s)))
                if time.monotonic() >= until:
                    break
            taken = [event for event, is_taken in sent if is_taken]
            _note(database, taken, [event for event, is_taken in sent if not is_taken], leased[len(sent) :])
            delivered += len(taken)
            if time.monotonic() >= until:
                break
    return delivered


def _lease(database: Database) -> list[_Leased]:
    """Lease what is due, oldest first; what a webhook announces is settled in the books first."""
    taking, due = leases.take_up(SandboxEvent, AT_ONCE, LEASE, {"tries": SandboxEvent.tries + 1})
    told = (due.c.due_at, SandboxEvent.id, SandboxEvent.tries, SandboxEvent.payload)
    with database.transaction() as session:
        found = sorted(session.execute(taking.returning(*told)).all(), key=lambda row: (row[0], row[1]))
        settle_all(session, [UUID(payload["data"]["payment_id"]) for *_, payload in found])
    return [_Leased(event_id, tries, payload) for _, event_id, tries, payload in found]


def _send(event: _Leased, url: str, secret: bytes, post: Post, timeout_s: float) -> bool:
    body = orjson.dumps(event.payload)
    headers = {"Content-Type": "application/json", HEADER: sign(secret, body, int(time.time()))}
    said: dict[str, Any] = {
        "event_id": event.payload["id"],
        "kind": event.payload["type"],
        "tries": event.tries,
    }
    try:
        status = post(url, body, headers, timeout_s)
    except (OSError, HTTPException, ValueError) as error:
        log.warning("sandbox_webhook_unanswered", **said, error=repr(error))
        return False
    if not 200 <= status < 300:
        log.warning("sandbox_webhook_refused", **said, status=status)
        return False
    return True


def _note(
    database: Database, taken: Sequence[_Leased], failed: Sequence[_Leased], unsent: Sequence[_Leased]
) -> None:
    """Note what became of a batch. A lease that was lost meanwhile is left to its new owner."""
    with database.transaction() as session:
        if taken:
            ids = [event.id for event in taken]
            session.execute(update(SandboxEvent).where(SandboxEvent.id.in_(ids)).values(due_at=null()))
        if unsent:
            handing_back = update(SandboxEvent).where(_still_leased(unsent))
            session.execute(handing_back.values(due_at=func.now(), tries=SandboxEvent.tries - 1))
        given_up = _put_off(session, failed) if failed else []
    for event_id, tries in given_up:
        log.error("sandbox_webhook_given_up", event_id=event_id, tries=tries)


def _put_off(session: Session, failed: Sequence[_Leased]) -> list[tuple[str, int]]:
    """Postpone them by a second, then by twice as long each time; returns those that are given up."""
    is_over = SandboxEvent.created_at < func.now() - GIVEN_UP_AFTER
    putting_off = (
        update(SandboxEvent)
        .where(_still_leased(failed))
        .values(due_at=leases.due_again(SENT_AGAIN, SandboxEvent.tries, is_over=is_over))
        .returning(SandboxEvent.event_id, SandboxEvent.tries, SandboxEvent.due_at)
        .execution_options(synchronize_session=False)
    )
    noted = session.execute(putting_off).all()
    return [(event_id, tries) for event_id, tries, due_at in noted if due_at is None]


def _still_leased(events: Sequence[_Leased]) -> Any:
    return tuple_(SandboxEvent.id, SandboxEvent.tries).in_([(event.id, event.tries) for event in events])
