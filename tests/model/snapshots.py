"""Snapshots of the model's two stores in the form of the real ones, and how they are compared."""

from typing import Any

from tests.model.reference import LiveSide
from tests.model.reference_ledger import LedgerSide

Snapshot = dict[str, Any]


def live_snapshot(live: LiveSide) -> Snapshot:
    """Show the model's live side as `Stage.read_live` reads the real one."""
    settings = live.settings
    return {
        "allocation": live.allocation,
        "available": live.available,
        "held": live.held,
        "sold": live.sold,
        "price_minor": settings.price,
        "per_shopper_limit": settings.limit,
        "max_open_holds": settings.max_open_holds,
        "last_ticket": live.last_ticket,
        "now_serving": live.now_serving,
        "waiting": live.waiting,
        "standby": len(live.standby),
        "open_holds": len(live.holds),
        "lobby_size": live.lobby_size,
        "revision": live.revision,
        "epoch": live.epoch,
        "status": settings.status,
        "intents": {one: ask.ticket for one, ask in live.known.items()},
        "has_left": {one for one, ask in live.known.items() if ask.left_ms},
        "active": live.active,
        "units": live.units,
        "holds": {one: f"{user}|{units}" for one, (user, units) in live.holds.items()},
        "sales": {one: f"{user}|{units}" for one, (user, units) in live.sales.items()},
        "late": live.late,
        "line": [ask.intent_id for ask in live.line],
        "lobby": [ask.intent_id for ask in live.lobby],
        "is_drawing": live.is_drawing,
        "departed": [ask.intent_id for ask in live.departed],
        "leavings": live.leavings,
        "on_standby": [ask.intent_id for ask in live.standby],
        "needs": [
            (ask.intent_id, ask.need, ask.ticket)
            for ask in sorted(live.standby, key=lambda one: (one.need, one.ticket))
        ],
        "claims": set(live.batches),
    }


def ledger_snapshot(ledger: LedgerSide) -> Snapshot:
    """Show the model's ledger as `Stage.read_ledger` reads the real one."""
    unfinished = set(ledger.unfinished())
    return {
        "status": ledger.settings.status,
        "price_minor": ledger.settings.price,
        "allocation": ledger.allocation,
        "held": ledger.held,
        "sold": ledger.sold,
        "epoch": ledger.epoch,
        "last_decided_ticket": ledger.last_decided,
        "lobby_size": ledger.lobby_size,
        "is_drained": ledger.is_drained,
        "intents": {
            one: [ledger.asks[one].user, ledger.asks[one].ticket or None, verdict.outcome, verdict.reason]
            for one, verdict in ledger.verdicts.items()
        },
        "orders": {
            one: [order.user, order.units, order.price, order.status, order.is_released, order.receipt]
            for one, order in ledger.orders.items()
        },
        "histories": {one: list(map(list, order.history)) for one, order in ledger.orders.items()},
        "payments": {
            one: [
                *(payment.intent_id, payment.method, payment.key, payment.amount),
                *(payment.status, payment.code, one in unfinished, payment.asked > 0),
            ]
            for one, payment in ledger.payments.items()
        },
        "refunds": {
            one: [refund.cause, refund.status, ledger.payments[one].amount, refund.status == "pending"]
            for one, refund in ledger.refunds.items()
        },
        "webhooks": sorted(ledger.webhooks),
        "pending": ledger.pending,
    }


def differences(expected: Snapshot, found: Snapshot) -> dict[str, tuple[Any, Any]]:
    """List what differs: name → (expected, found)."""
    return {name: (expected[name], found.get(name)) for name in expected if expected[name] != found.get(name)}
