"""`/metrics`: everything that is measured, as Prometheus reads it; for operators alone."""

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from web.http.services import Services, services

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus' text, of all processes of this machine where they share a folder for it."""
    parts = services()
    parts.operators.require()
    is_packed = request.accept_encodings["gzip"] > 0
    text = parts.metrics_text.get(is_packed, lambda: whole_page(parts, is_packed=is_packed))
    response = Response(text, content_type=CONTENT_TYPE_LATEST)
    response.vary.add("Accept-Encoding")
    if is_packed:
        response.content_encoding = "gzip"
    return response


def whole_page(parts: Services, *, is_packed: bool = False) -> bytes:
    """Write the page as it is now."""
    parts.process.tell()
    page, measured = parts.platform.read()
    own = parts.shared.text().encode() if parts.shared is not None else generate_latest(REGISTRY)
    rest = own + parts.money.text().encode() + measured
    return page.gzipped(rest) if is_packed else page.plain(rest)
