"""Counts requests and how long they took, and serves the page that Prometheus scrapes."""

from typing import Final
from wsgiref.types import WSGIEnvironment

from prometheus_client import (
    Counter,
    Histogram,
)

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds
ROUTE: Final = "flash_sale.route"  # its key in the WSGI environment, where Flask was not asked
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS: Final = Counter("http_requests_total", "Requests answered", ("method", "route", "status"))
LATENCY: Final = Histogram(
    "http_request_seconds", "Seconds from request to answer", ("method", "route"), buckets=BUCKETS
)

_known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count an answer under its route's template, never under its path."""
    if method not in _METHODS:
        method = "other"
    key = (method, route, status)
    found = _known.get(key)
    if found is None:
        found = _known[key] = (REQUESTS.labels(method, route, str(status)), LATENCY.labels(method, route))
    found[0].inc()
    found[1].observe(seconds)


def route_of(environ: WSGIEnvironment) -> str:
    """The template of the route that answered: as it was noted, or as Flask found it."""
    if (noted := environ.get(ROUTE)) is not None:
        return str(noted)
    request = environ.get("werkzeug.request")
    rule = request.url_rule if request is not None else None
    return rule.rule if rule is not None else "unmatched"
