"""Owns the beat: what is asked for on time. Nothing relies on it alone; workers sweep by themselves too."""

from typing import Any, Final

from tasks.app import BACKGROUND


def _every(seconds: float, task: str, *, expires_s: float) -> dict[str, Any]:
    options = {"queue": BACKGROUND, "expires": expires_s, "retry": False}
    return {"task": task, "schedule": seconds, "options": options}


SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    "sweep": _every(1.0, "sweep", expires_s=5),
    "audit": _every(5.0, "audit_running_sales", expires_s=5),
    "ring_for_unheard": _every(5.0, "ring_for_unheard", expires_s=10),
    "reports": _every(5.0, "ask_for_reports", expires_s=10),
    "purge": _every(86_400.0, "ask_for_purge", expires_s=3_600),
}
