"""Owns the measurements: how many requests, how long they took, and the page that Prometheus reads."""

from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from web.http.services import Services, services
from web.metrics.money import money_registry
from web.metrics.sales import sales_registry

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS: Final = Counter("http_requests_total", "Requests answered", ("method", "route", "status"))
LATENCY: Final = Histogram(
    "http_request_seconds", "Seconds from request to answer", ("method", "route"), buckets=BUCKETS
)

blueprint = Blueprint("metrics", __name__)

_known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}


def observe(environ: "WSGIEnvironment", status: int, seconds: float) -> None:
    """Count an answer under its route's template, never under its path."""
    request = environ.get("werkzeug.request")
    rule = request.url_rule if request is not None else None
    method = environ["REQUEST_METHOD"]
    if method not in _METHODS:
        method = "other"
    key = (method, rule.rule if rule is not None else "unmatched", status)
    found = _known.get(key)
    if found is None:
        found = _known[key] = (REQUESTS.labels(method, key[1], str(status)), LATENCY.labels(method, key[1]))
    found[0].inc()
    found[1].observe(seconds)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus' text; of all processes of this machine where they share a directory for it."""
    parts = services()
    parts.operators.require()
    text = parts.metrics_text.get("", lambda: _write(parts))
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def _write(parts: Services) -> bytes:
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:  # one process, or none told where to meet the others
        registry = REGISTRY
    read_now = sales_registry(parts.context), money_registry(parts.money)
    return b"".join(generate_latest(one) for one in (registry, *read_now))
