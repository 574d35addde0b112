"""The figures of workers, queues and of Redis itself."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from models.live.workers import Beat
from tasks.background.workforce import GONE_MS
from tasks.figures.text import family, gauge
from tasks.runtime.celery_app import QUEUES

# Name, what it is, what Redis calls it.
REDIS: Final = (
    ("redis_memory_used_bytes", "What Redis' memory holds", "used_memory"),
    ("redis_memory_limit_bytes", "What it may hold; 0: whatever the machine has", "maxmemory"),
    ("redis_replicas", "Replicas that follow", "connected_slaves"),
    ("redis_clients", "Connections to Redis", "connected_clients"),
)


def workers_page(beats: Sequence[Beat], now_ms: int) -> Iterator[str]:
    """Write who is there, and at what."""
    heard = [one for one in beats if not one.has_left and abs(now_ms - one.heard_ms) <= GONE_MS]
    by_queue = Counter(queue for one in heard for queue in one.queues)
    rows = [((queue,), by_queue[queue]) for queue in QUEUES]
    yield family("gauge", "workers_heard", "Workers whose heartbeat is not older than 8 s", ["queue"], rows)
    since_ms: dict[str, list[int]] = defaultdict(list)
    for task in (task for one in heard for task in one.running):
        since_ms[task.name].append(task.since_ms)
    running = [((name,), len(times)) for name, times in since_ms.items()]
    yield family("gauge", "celery_tasks_running", "Tasks that workers are at", ["task"], running)
    oldest = [((name,), max(now_ms - min(times), 0) / 1000) for name, times in since_ms.items()]
    says = "For how long the longest of the running tasks has run"
    yield family("gauge", "celery_oldest_running_seconds", says, ["task"], oldest)


def queues_page(unheard: Callable[[str], int | None]) -> Iterator[str]:
    """Write what waits in the queues; a broker that did not answer once is not asked again."""
    waiting: dict[str, int] = {}
    is_away = False
    for queue in QUEUES:
        many = None if is_away else unheard(queue)
        is_away = many is None
        if many is not None:
            waiting[queue] = many
    yield gauge("broker_reachable", "Whether the broker answers", not is_away)
    rows = [((queue,), many) for queue, many in waiting.items()]
    says = "Messages that no worker has received"
    yield family("gauge", "celery_messages_waiting", says, ["queue"], rows)


def redis_page(told: Mapping[str, Any]) -> Iterator[str]:
    """Write how Redis is; nothing where it may not be asked, or is a cluster of many."""
    if "used_memory" not in told:
        return
    for name, says, field in REDIS:
        yield gauge(name, says, float(told[field]))
    is_ok = told.get("aof_last_write_status", "ok") == "ok"
    yield gauge("redis_disk_ok", "Whether Redis could write its append-only file the last time", is_ok)
