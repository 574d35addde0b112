"""Builds the overview of a sale, which an admin watches while it runs, from both stores.

The live state is read at every call; what has to be counted in the ledger is cached for a moment.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from models.audit.checks import NAMES
from models.database import read_as_one, take_time
from models.driver import LONG
from models.enums import VERDICTS, IntentStatus, OrderStatus, SaleStatus
from models.live.audits import AuditNote
from models.live.pulse import MOST_SAMPLES
from models.messages import Message, money, rfc3339, rfc3339_ms
from models.queries.sale_counts import EXPIRING, LATELY, OrdersOfStatus, SaleCounts, count_rows
from models.tables.catalogue import Sale
from tasks.context import Context
from tasks.runtime.ttl_cache import TtlCache
from tasks.sales.lifecycle import get_sale
from tasks.sales.pulse import RATE_MS, rates_now, series
from tasks.sales.view import show_sale

AUDIT_FRESH_MS: Final = 60_000  # a running sale's last audit is out of date when it is older,
AUDIT_ROUNDS: Final = 2  # or this many rounds of audits over all sales, where those take long
NONE: Final = OrdersOfStatus(0, 0, 0)


class Overviews:
    """The overviews of a process."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._counts: TtlCache[SaleCounts] = TtlCache()

    def of(self, sale_id: UUID, since: datetime | None = None) -> Message:
        """Describe a sale; of its pulse only what came after `since`."""
        context = self._context
        sale = get_sale(context, sale_id)
        seen = self._counts.get(sale_id, lambda: self._count(sale_id))
        now_ms = context.live.now_ms()
        since_ms = int(since.timestamp() * 1000) if since else 0
        if since_ms > now_ms:
            since_ms = 0  # the clock was set back since: everything is new
        samples = context.live.pulse.read(sale_id, _enough(now_ms - since_ms))
        shown = show_sale(context, sale)
        return {
            "sale": shown,
            "rates": rates_now(samples, now_ms),
            "series": series(samples, since_ms),
            "holds": _holds(seen),
            "funnel": _funnel(shown, seen),
            "revenue": _revenue(sale, seen),
            "time_to_verdict": _time_to_verdict(seen),
            "sockets": context.live.attendance.of(sale_id, now_ms),
            "audit": _audit(sale, context.live.noted_audit(sale_id), now_ms),
            "counted_at": rfc3339(seen.at),
        }

    def _count(self, sale_id: UUID) -> SaleCounts:
        with self._context.reading() as session:
            read_as_one(session)
            take_time(session, LONG)
            return count_rows(session, sale_id)


def _enough(span_ms: int) -> int:
    """Return how many samples a span may have, with one before it, and those that the rates need."""
    return min(MOST_SAMPLES, max(span_ms, RATE_MS + 1_000) // 1_000 + 2)


def _holds(seen: SaleCounts) -> Message:
    return {
        "open": seen.orders.get(OrderStatus.HELD, NONE).count,
        "expiring": seen.expiring,
        "within_seconds": int(EXPIRING.total_seconds()),
        "next_deadline": rfc3339(seen.next_deadline) if seen.next_deadline else None,
    }


def _funnel(shown: Message, seen: SaleCounts) -> Message:
    intents, orders = seen.intents, {status: seen.orders.get(status, NONE).count for status in OrderStatus}
    decided = sum(intents.get(status, 0) for status in VERDICTS)
    return {
        "intents": max(shown["queue"]["last_ticket"], sum(intents.values())),
        "decided": decided,
        "held": intents.get(IntentStatus.HELD, 0),
        "paying": orders[OrderStatus.PAYING],
        "paid": orders[OrderStatus.PAID] + orders[OrderStatus.REFUNDED],
        "refunded": orders[OrderStatus.REFUNDED],
        "expired": orders[OrderStatus.EXPIRED],
        "cancelled": orders[OrderStatus.CANCELLED],
        "sold_out": intents.get(IntentStatus.SOLD_OUT, 0),
        "left": intents.get(IntentStatus.LEFT, 0),
        "rejected": intents.get(IntentStatus.REJECTED, 0),
    }


def _revenue(sale: Sale, seen: SaleCounts) -> Message:
    kept, refunded = (seen.orders.get(one, NONE) for one in (OrderStatus.PAID, OrderStatus.REFUNDED))
    return {
        "gross": money(kept.total_minor + refunded.total_minor, sale.currency),
        "refunded": money(refunded.total_minor, sale.currency),
        "net": money(kept.total_minor, sale.currency),
        "units": kept.units,
    }


def _time_to_verdict(seen: SaleCounts) -> Message:
    return {
        "p50_ms": seen.p50_ms,
        "p99_ms": seen.p99_ms,
        "verdicts": seen.verdicts,
        "over_seconds": int(LATELY.total_seconds()),
    }


def _audit(sale: Sale, note: AuditNote | None, now_ms: int) -> Message:
    """Return the status of each invariant: what the last audit found, unless that is out of date."""
    is_running = sale.status in (SaleStatus.OPEN, SaleStatus.PAUSED)
    fresh_ms = max(AUDIT_FRESH_MS, AUDIT_ROUNDS * note.round_ms) if note else 0
    is_stale = note is not None and is_running and now_ms - note.at_ms > fresh_ms
    verdicts = note.checks if note is not None and not is_stale else {}
    words = {True: "ok", False: "violated", None: "unknown"}
    return {
        "checked_at": rfc3339_ms(note.at_ms) if note else None,
        "in_flight": note.in_flight if note else False,
        "checks": [{"name": name, "state": words[verdicts.get(name)]} for name in NAMES],
    }
