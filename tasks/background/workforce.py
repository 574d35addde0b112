"""Shows the workers and their queues: who is there and doing what, and how much is waiting."""

from typing import Final

from models.live.workers import Beat
from models.messages import Message, rfc3339_ms
from tasks.context import Context
from tasks.runtime.bell import Bell
from tasks.runtime.celery_app import QUEUES

GONE_MS: Final = 8_000  # eight heartbeats
DEAF_MS: Final = 5_000  # where the last heartbeat of all is that old, nothing is known of the present


def show_workforce(context: Context) -> Message:
    """Tell of every worker and every queue; while the broker is unavailable, its counts are null."""
    beats = context.live.workers.read()
    now_ms = context.live.now_ms()
    known = [one for one in beats if not one.is_forgotten(now_ms)]
    heard_ms = max((one.heard_ms for one in known if one.heard_ms <= now_ms), default=None)
    is_heard = any(abs(now_ms - one.heard_ms) <= DEAF_MS for one in known)
    at_ms = now_ms if is_heard or heard_ms is None else heard_ms
    return {
        "server_time": rfc3339_ms(now_ms),
        "heard_at": rfc3339_ms(heard_ms) if heard_ms is not None else None,
        "is_heard": is_heard,
        "workers": [_show(one, at_ms, is_heard=is_heard) for one in known],
        **_backlog(context.bell),
    }


def _show(one: Beat, at_ms: int, *, is_heard: bool) -> Message:
    return {
        "name": one.name,
        "pid": one.pid,
        "state": _state(one, at_ms, is_heard=is_heard),
        "heard_at": rfc3339_ms(one.heard_ms),
        "processed": one.processed,
        "failed": one.failed,
        "running": [
            {"task_id": task.task_id, "name": task.name, "since": rfc3339_ms(task.since_ms)}
            for task in one.running
        ],
    }


def _state(one: Beat, at_ms: int, *, is_heard: bool) -> str:
    """How a worker is. Where none is heard, only those are known that left or were silent before the others.

    Redis' clock may have been set: who spoke that far in the future is as silent as one who spoke long ago.
    """
    if one.has_left:
        return "stopped"
    if abs(at_ms - one.heard_ms) > GONE_MS:
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
