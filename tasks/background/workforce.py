"""Owns the picture of the workers and their queues: who is there and at what, and what waits to be done."""

from typing import Final

from models.live.workers import Entry, Roll
from models.messages import Message, rfc3339_ms
from tasks.context import Context
from tasks.runtime.bell import Bell
from tasks.runtime.celery_app import QUEUES

GONE_MS: Final = 8_000  # four heartbeats
DEAF_MS: Final = 5_000  # a roll that old tells nothing of the present


def show_workforce(context: Context) -> Message:
    """Tell of every worker and every queue; while the broker is away, its counts are null.

    Raises:
        LineUnavailable: Redis is away.
    """
    now_ms = context.live.now_ms()
    roll = context.live.roll.read()
    is_heard = roll is not None and now_ms - roll.at_ms <= DEAF_MS
    return {
        "server_time": rfc3339_ms(now_ms),
        "heard_at": rfc3339_ms(roll.at_ms) if roll else None,
        "is_heard": is_heard,
        "workers": [_show(one, roll, now_ms, is_heard=is_heard) for one in roll.workers] if roll else [],
        **_backlog(context.bell),
    }


def _show(one: Entry, roll: Roll, now_ms: int, *, is_heard: bool) -> Message:
    return {
        "name": one.name,
        "pid": one.pid,
        "state": _state(one, now_ms if is_heard else roll.at_ms, is_heard=is_heard),
        "heard_at": rfc3339_ms(one.heard_ms),
        "processed": one.processed,
        "failed": one.failed,
        "running": [
            {"task_id": task.task_id, "name": task.name, "since": rfc3339_ms(task.since_ms)}
            for task in one.running
        ],
    }


def _state(one: Entry, at_ms: int, *, is_heard: bool) -> str:
    """Say how a worker is. Where nobody listens, only those are known that were gone before."""
    if one.has_left:
        return "stopped"
    if at_ms - one.heard_ms > GONE_MS:
        return "gone"
    if not is_heard:
        return "unknown"
    return "busy" if one.running else "idle"


def _backlog(bell: Bell) -> Message:
    """Count what waits; a broker that did not answer once is not asked again."""
    counts: dict[str, int | None] = {}
    for name in QUEUES:
        is_away = None in counts.values()
        counts[name] = None if is_away else bell.unheard(name)
    is_reachable = None not in counts.values()
    return {
        "broker": {"is_reachable": is_reachable},
        "queues": [{"name": name, "waiting": waiting} for name, waiting in counts.items()],
        "unacknowledged": bell.unfinished() if is_reachable else None,
    }
