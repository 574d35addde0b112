"""What the line is held against: one Celery task an intent, no less durable, no slower than need be.

A task takes a unit by a script in Redis, then writes the intent and, if it got a unit, its order in one
transaction. No order among intents is kept and no crash is survived: it is there for its speed alone.
"""

from typing import Any, Final
from uuid import UUID

from celery.signals import setup_logging
from sqlalchemy import text

from benchmarks.speed.naive import STOCK, TASK
from config import load_settings
from models.enums import IntentStatus
from models.ids import order_id_of
from tasks.context import build_context
from tasks.runtime.celery_app import celery, configure
from tasks.runtime.logs import configure_logging

settings: Final = load_settings()
app: Final = configure(settings)
_context: Final = build_context(settings, settings.process_name)

_TAKE: Final = _context.live.client.register_script("""
    local left = tonumber(redis.call('GET', KEYS[1]))
    if left < tonumber(ARGV[1]) then return 0 end
    redis.call('DECRBY', KEYS[1], ARGV[1])
    return 1
""")
_INTENT: Final = text("""
    INSERT INTO intents (id, sale_id, user_id, ticket, quantity, accept_fewer, status,
                         submitted_at, decided_at)
    VALUES (:id, :sale, :user, :ticket, 1, false, :status, clock_timestamp(), clock_timestamp())
""")
_ORDER: Final = text("""
    INSERT INTO orders (id, intent_id, sale_id, user_id, quantity, unit_price_minor, currency, status,
                        expires_at, created_at)
    VALUES (:order, :id, :sale, :user, 1, 999, 'USD', 'held', now() + interval '10 minutes', now())
""")
_EVENT: Final = text("INSERT INTO order_events (order_id, status, at) VALUES (:order, 'held', now())")
_SALE: Final = text("UPDATE sales SET held = held + 1 WHERE id = :sale")


@setup_logging.connect
def _log(**_: Any) -> None:
    configure_logging(settings, settings.process_name)


@celery.task(name=TASK)
def buy(sale_id: str, user_id: str, intent_id: str, ticket: int) -> None:
    """Decide and store one intent."""
    has_unit = _TAKE(keys=[STOCK], args=[1]) == 1
    status = IntentStatus.HELD if has_unit else IntentStatus.SOLD_OUT
    row = {"id": intent_id, "sale": UUID(sale_id), "user": user_id, "ticket": ticket, "status": status}
    with _context.database.connection() as connection:
        connection.execute(_INTENT, row)
        if has_unit:
            row["order"] = order_id_of(intent_id)
            connection.execute(_ORDER, row)
            connection.execute(_EVENT, row)
            connection.execute(_SALE, row)
