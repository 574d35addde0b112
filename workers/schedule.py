"""Beat's schedule: what runs when. Nothing relies on it alone; workers sweep by themselves too."""

from typing import Any, Final

from tasks.runtime.celery_app import BACKGROUND

SCHEDULER: Final = "workers.beat:SteadyScheduler"


def _every(seconds: float, task: str) -> dict[str, Any]:
    return {"task": task, "schedule": seconds, "options": {"queue": BACKGROUND, "retry": False}}


SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    "sweep": _every(1.0, "sweep"),
    "audit": _every(5.0, "audit_running_sales"),
    "ring_for_unheard": _every(5.0, "ring_for_unheard"),
    "reports": _every(5.0, "ask_for_reports"),
    "purge": _every(3_600.0, "ask_for_purge"),
}
