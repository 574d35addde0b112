"""Syncs a sale's live state in Redis with its settings in the ledger.

The ledger changes first, with a growing revision, and the live state follows; if that fails, a sweep does it
later.
"""

import secrets
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import and_, func, or_, update

from models.enums import SaleStatus
from models.errors import FlashSaleError, LineRefused, LineUnavailable
from models.live.snapshot import LiveSnapshot
from models.live.store import LEASE_MS
from models.queries.sales import find_sale
from models.tables.catalogue import Sale
from tasks.context import Context

log: Final = structlog.get_logger()


def ensure_live(context: Context, sale: Sale) -> None:
    """Create a sale's live state if there never was one, else update its settings to the ledger's revision.

    Raises:
        Fenced: the live state was lost or is of another epoch; only a rebuild helps.
        LineUnavailable, LedgerUnavailable: a store is unavailable, or the Redis belongs to another ledger.
    """
    if sale.epoch is None:
        context.ownership.require()
        _lay(context, sale)
    else:
        context.live.configure(sale.id, sale.epoch, sale.revision, settings_of(sale), seed=sale.draw_seed)
        _note_lobby(context, sale)


def sync_live(context: Context, sale_id: UUID) -> None:
    """Update the live state after a change of the ledger; if Redis is unavailable, a sweep does it later."""
    try:
        with context.database.transaction() as session:
            sale = find_sale(session, sale_id)
        ensure_live(context, sale)
        ring_if_needed(context, sale_id)
    except LineUnavailable as error:
        log.warning("live_side_behind", sale_id=str(sale_id), error=str(error))


def refuse_unwritable(context: Context, sale_id: UUID) -> None:
    """Refuse to begin a change that Redis would refuse, so that nothing is half done.

    A Redis that does not answer at all is no reason to refuse: the ledger decides, and a sweep follows up.

    Raises:
        LineRefused: Redis answers but accepts no writes, since it is full, read-only or the like.
    """
    try:
        context.live.try_writing(sale_id)
    except LineRefused:
        raise
    except LineUnavailable as error:
        log.warning("live_side_not_tried", sale_id=str(sale_id), error=str(error))


def ring_if_needed(context: Context, sale_id: UUID) -> None:
    """Ring if the live state shows waiting work."""
    if context.live.look(sale_id).needs_a_bell:
        context.bell.ring(sale_id)


def stop_diverged(context: Context, sale_id: UUID, epoch: str | None, error: FlashSaleError) -> None:
    """Pause a sale whose stores disagree: it accepts no intents until it is rebuilt.

    One that has yet to open is paused too, so that it does not open by itself, unless its lobby is empty.

    Raises:
        LedgerUnavailable: it could not be written; the next process that finds it tries again.
    """
    log.error("sale_diverged", sale_id=str(sale_id), error=str(error), remedy="flask sales rebuild")
    with context.database.transaction() as session:
        session.execute(
            update(Sale)
            .where(Sale.id == sale_id, Sale.epoch == epoch)
            .where(or_(Sale.status == SaleStatus.OPEN, _MAY_HAVE_A_LOBBY))
            .values(status=SaleStatus.PAUSED, revision=Sale.revision + 1, stopped_at=func.now())
        )


_MAY_HAVE_A_LOBBY: Final = and_(
    Sale.status == SaleStatus.SCHEDULED,
    or_(Sale.accepted > 0, Sale.lobby_opens_at <= func.now(), Sale.opens_at <= func.now()),
)


def settings_of(sale: Sale) -> dict[str, str | int]:
    """Return the settings that the live state holds."""
    return {
        "status": sale.status,
        "number": sale.number,
        "price_minor": sale.price_minor,
        "currency": sale.currency,
        "per_shopper_limit": sale.per_shopper_limit,
        "hold_ms": sale.hold_seconds * 1000,
        "opens_at_ms": to_ms(sale.opens_at),
        "closes_at_ms": to_ms(sale.closes_at),
        "lobby_opens_at_ms": to_ms(sale.lobby_opens_at) if sale.lobby_opens_at else 0,
        "admission_order": sale.admission_order,
        "rate_per_second": sale.rate_per_second or 0,
        "max_open_holds": sale.max_open_holds or 0,
    }


def snapshot_of(sale: Sale) -> LiveSnapshot:
    """Return the live state of a sale without any shoppers."""
    counters = {
        "allocation": sale.allocation,
        "available": sale.available,
        "held": sale.held,
        "sold": sale.sold,
        "last_ticket": sale.last_decided_ticket,
        "now_serving": sale.last_decided_ticket,
        "accepted": sale.accepted,
        "noted": sale.noted,
        "lease_ms": LEASE_MS,  # the longest lease of a claim
    }
    zeros = ("waiting", "bell_ms", "pace_start_ms", "pace_count", "pace_milli", "bucket", "bucket_ms")
    counters |= dict.fromkeys(zeros, 0)
    if sale.lobby_size is not None:
        counters["lobby_size"] = sale.lobby_size
    elif sale.status != SaleStatus.SCHEDULED:
        counters["lobby_size"] = 0  # it was opened already: later intents are never drawn by lot
    return LiveSnapshot({**settings_of(sale), "revision": sale.revision}, counters)


def _lay(context: Context, sale: Sale) -> None:
    epoch = secrets.token_hex(16)
    if not context.live.load(sale.id, epoch, snapshot_of(sale)):
        epoch = context.live.look(sale.id).fields["epoch"]
    with context.database.transaction() as session:
        session.execute(update(Sale).where(Sale.id == sale.id, Sale.epoch.is_(None)).values(epoch=epoch))


def _note_lobby(context: Context, sale: Sale) -> None:
    """Store in the ledger how many stood in the lobby when it opened, so that the draw can be repeated."""
    if sale.lobby_size is not None or sale.status == SaleStatus.SCHEDULED:
        return
    size = context.live.look(sale.id).fields.get("lobby_size")
    if size is None:
        return
    with context.database.transaction() as session:
        session.execute(
            update(Sale).where(Sale.id == sale.id, Sale.lobby_size.is_(None)).values(lobby_size=int(size))
        )


def to_ms(at: datetime) -> int:
    """Turn a time into milliseconds since the epoch."""
    return int(at.timestamp() * 1000)
