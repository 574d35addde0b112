"""`/healthz` and `/readyz`: is this process alive, and is everything that it needs there and durable?"""

from typing import Any

from flask import Blueprint, Response, current_app, jsonify

from web.health.readiness import Check, Readiness
from web.http.services import services

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers; nothing else is asked."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Each dependency's state, for operators; 503 while one that is needed is missing, and before the end."""
    parts = services()
    if current_app.extensions.get("is_leaving", bool)():
        checks = {"process": Check(False, "it is about to stop")}
    else:
        checks = parts.readiness.get("", lambda: Readiness(parts).check())
    ready = all(check.ok for check in checks.values())
    body: dict[str, Any] = {"status": "ready" if ready else "not_ready"}
    if parts.operators.ask_now():
        body["checks"] = {name: {"ok": check.ok, "detail": check.detail} for name, check in checks.items()}
    response = jsonify(body)
    if not ready:
        response.headers["Retry-After"] = "1"
    return response, 200 if ready else 503
