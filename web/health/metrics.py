"""`/metrics`: everything that is measured, as Prometheus reads it; for operators alone."""

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from web.http.services import Services, services
from web.metrics.money import money_registry

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus' text; of all processes of this machine where they share a directory for it."""
    parts = services()
    parts.operators.require()
    text = parts.metrics_text.get("", lambda: whole_page(parts))
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def whole_page(parts: Services) -> bytes:
    """Write the page as it is now."""
    parts.process.tell()
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:  # one process, or none told where to meet the others
        registry = REGISTRY
    own = b"".join(generate_latest(one) for one in (registry, money_registry(parts.money)))
    return own + parts.platform.text()
