"""Beat's schedule: what runs when. Sweeps are not among it: workers do those by themselves."""

from typing import Any, Final

SCHEDULER: Final = "workers.beat:SteadyScheduler"


def _every(seconds: float, task: str) -> dict[str, Any]:
    return {"task": task, "schedule": seconds}


SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    "watch": _every(5.0, "keep_watch"),
    "purge": _every(3_600.0, "ask_for_purge"),
}
PERIODIC: Final = frozenset(entry["task"] for entry in SCHEDULE.values())
