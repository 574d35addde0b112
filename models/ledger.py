"""Persists claims: many rows per statement; rows that are stored already win.

Every function runs inside the caller's transaction.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from models.enums import IntentStatus, OrderStatus
from models.errors import Fenced, LineDiverged
from models.ids import order_id_of
from models.live.records import Claim, Decision, UnitsBack
from models.messages import at_ms

# In place of foreign keys (docs/decisions/0025): a shopper without an account is a null here, which the table
# refuses; a sale that is not there is refused with its epoch; an order's intent is of the same transaction.
_INSERT_INTENTS: Final = text("""
    INSERT INTO intents (id, sale_id, user_id, ticket, quantity, accept_fewer, status, reason,
                         submitted_at, decided_at, standby_at)
    SELECT t.id, :sale_id, users.id, ticket, quantity, accept_fewer, status, reason,
           to_timestamp(submitted_ms / 1000.0), CASE WHEN status = :standby THEN NULL ELSE :decided_at END,
           CASE WHEN status = :standby THEN CAST(:decided_at AS timestamptz) END
    FROM unnest(CAST(:ids AS uuid[]), CAST(:users AS uuid[]), CAST(:tickets AS bigint[]),
                CAST(:quantities AS int[]), CAST(:fewer AS bool[]), CAST(:outcomes AS text[]),
                CAST(:reasons AS text[]), CAST(:submitted AS bigint[]))
         AS t (id, user_id, ticket, quantity, accept_fewer, status, reason, submitted_ms)
         LEFT JOIN users ON users.id = t.user_id
    ON CONFLICT (id) DO UPDATE
    SET status = excluded.status, reason = excluded.reason, decided_at = excluded.decided_at
    WHERE intents.status = :standby AND excluded.status <> :standby
""")

_TICKET_TAKEN: Final = "uq_intents_sale_id_ticket"

_STORED: Final = text("""
    SELECT i.id, i.user_id, i.ticket, i.status, i.reason, coalesce(o.quantity, 0) AS granted,
           coalesce(o.status IN ('expired', 'cancelled', 'refunded'), false) AS is_over
    FROM intents i LEFT JOIN orders o ON o.intent_id = i.id
    WHERE i.id = ANY(CAST(:ids AS uuid[]))
""")

_INSERT_ORDERS: Final = text("""
    WITH fresh AS (
        INSERT INTO orders (id, intent_id, sale_id, user_id, quantity, unit_price_minor, currency, status,
                            expires_at, created_at)
        SELECT id, intent_id, :sale_id, user_id, quantity, :price_minor, :currency, :held,
               :expires_at, :decided_at
        FROM unnest(CAST(:order_ids AS uuid[]), CAST(:ids AS uuid[]), CAST(:users AS uuid[]),
                    CAST(:granted AS int[]))
             AS t (id, intent_id, user_id, quantity)
        ON CONFLICT DO NOTHING
        RETURNING id, quantity
    ), told AS (
        INSERT INTO order_events (order_id, status, at) SELECT id, :held, :decided_at FROM fresh
    )
    SELECT coalesce(sum(quantity), 0) FROM fresh
""")

_MOVE_STOCK: Final = text("""
    UPDATE sales SET held = held + :units, last_decided_ticket = greatest(last_decided_ticket, :ticket)
    WHERE id = :sale_id AND epoch = :epoch
""")


@dataclass(frozen=True, slots=True)
class Persisted:
    """What the ledger holds after a claim was persisted.

    `decisions` are as stored; `units_back` tells where that is not what the claim had set aside.
    """

    decisions: tuple[Decision, ...]
    units_back: tuple[UnitsBack, ...]


def persist_claim(connection: Connection, sale_id: UUID, claim: Claim) -> Persisted:
    """Write a claim's verdicts and orders; harmless when some or all of them are stored already.

    The sale's row is locked last and briefly. Its epoch is the fence: a claim from before a rebuild
    writes nothing, since the transaction is refused as a whole.

    Raises:
        Fenced: the ledger's epoch is not the claim's, or it has no such sale.
        LineDiverged: another intent owns one of the tickets, or an intent is stored for somebody else.
    """
    try:
        decisions, over = _store_intents(connection, sale_id, claim)
    except IntegrityError as error:
        if _TICKET_TAKEN in str(error.orig):
            raise LineDiverged(f"A ticket of sale {sale_id} belongs to another intent.") from error
        raise
    units = _store_orders(connection, sale_id, claim, [one for one in decisions if one.is_held])
    moved = connection.execute(
        _MOVE_STOCK,
        {
            "sale_id": sale_id,
            "epoch": claim.epoch,
            "units": units,
            "ticket": max(one.ticket for one in decisions),
        },
    )
    if moved.rowcount != 1:
        raise Fenced(f"The ledger's epoch of sale {sale_id} is not {claim.epoch}.")
    return Persisted(decisions, _units_back(claim, decisions, over))


def _units_back(claim: Claim, stored: Sequence[Decision], over: Container[str]) -> tuple[UnitsBack, ...]:
    """Find where the claim set aside other units than the ledger granted. `over`: whose orders have ended.

    A ticket that this claim put on standby, and that a later claim served before this one got here, is no
    difference: its units moved with the later claim.
    """
    pairs = zip(claim.decisions, stored, strict=True)
    return tuple(
        UnitsBack(one.intent_id, one.user_id, one.granted, 0 if one.intent_id in over else kept.granted)
        for one, kept in pairs
        if one.granted != kept.granted and not one.is_standby
    )


def _store_intents(
    connection: Connection, sale_id: UUID, claim: Claim
) -> tuple[tuple[Decision, ...], frozenset[str]]:
    """Write the intents that are not there yet; returns what is stored, and whose orders have ended."""
    rows = claim.decisions
    inserted = connection.execute(
        _INSERT_INTENTS,
        {
            "sale_id": sale_id,
            "standby": IntentStatus.STANDBY,
            "decided_at": at_ms(claim.decided_ms),
            "ids": _array(row.intent_id for row in rows),
            "users": _array(row.user_id for row in rows),
            "tickets": _array(str(row.ticket or "NULL") for row in rows),
            "quantities": _array(str(row.quantity) for row in rows),
            "fewer": _array("t" if row.accept_fewer else "f" for row in rows),
            "outcomes": _array(row.outcome for row in rows),
            "reasons": _array(row.reason or "NULL" for row in rows),
            "submitted": _array(str(row.submitted_ms) for row in rows),
        },
    )
    if inserted.rowcount == len(rows):
        return rows, frozenset()
    return _adopt_stored(connection, sale_id, rows)


def _adopt_stored(
    connection: Connection, sale_id: UUID, rows: Sequence[Decision]
) -> tuple[tuple[Decision, ...], frozenset[str]]:
    """Compare with what is stored, and take the stored verdict where it differs."""
    found = connection.execute(_STORED, {"ids": [row.intent_id for row in rows]})
    stored = {str(row.id): row for row in found}
    adopted = []
    for row in rows:
        known = stored.get(row.intent_id)
        if known is None or (known.ticket or 0) != row.ticket or str(known.user_id) != row.user_id:
            raise LineDiverged(f"Ticket {row.ticket} of sale {sale_id} belongs to another intent.")
        is_fresh = known.granted == 0  # written a moment ago; its order is still to come
        if known.status == row.outcome and (is_fresh or known.granted == row.granted):
            adopted.append(row)
        else:
            adopted.append(
                replace(row, outcome=known.status, reason=known.reason or "", granted=known.granted)
            )
    return tuple(adopted), frozenset(one for one, row in stored.items() if row.is_over)


def _store_orders(connection: Connection, sale_id: UUID, claim: Claim, held: Sequence[Decision]) -> int:
    """Write the orders that are not there yet; return their units."""
    if not held:
        return 0
    units = connection.execute(
        _INSERT_ORDERS,
        {
            "sale_id": sale_id,
            "held": OrderStatus.HELD,
            "price_minor": claim.price_minor,
            "currency": claim.currency,
            "expires_at": at_ms(claim.hold_until_ms),
            "decided_at": at_ms(claim.decided_ms),
            "order_ids": _array(order_id_of(row.intent_id) for row in held),
            "ids": _array(row.intent_id for row in held),
            "users": _array(row.user_id for row in held),
            "granted": _array(str(row.granted) for row in held),
        },
    ).scalar_one()
    return int(units)


def _array(words: Iterable[str]) -> str:
    """Write a PostgreSQL array of ids, numbers or words of the vocabulary, which need no quotes.

    The driver would look at every element of a list for characters to be quoted: 5 ms a claim.
    """
    return "{" + ",".join(words) + "}"
