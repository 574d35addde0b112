"""The API's documentation page: Swagger UI from the installed package's files, without inline scripts."""

from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, send_from_directory
from swagger_ui_bundle import swagger_ui_path
from werkzeug.exceptions import NotFound

from web.http.responses import conditionally

HERE: Final = Path(__file__).parent
CONTENT_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_FROM_BUNDLE: Final = frozenset(
    {"swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "favicon-32x32.png"}
)

SPEC: Final[dict[str, Any]] = {
    "info": {"description": "Every failure is a problem (RFC 9457) with a `code` for programs."},
    "components": {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            "refresh": {"type": "http", "scheme": "bearer", "description": "The refresh token."},
            "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": "fs_access",
                "description": "In production `__Host-fs_access`.",
            },
            "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-TOKEN"},
        }
    },
}

blueprint = Blueprint("docs", __name__, url_prefix="/docs")


@blueprint.get("", strict_slashes=False)
def page() -> Response:
    """The readable documentation."""
    response = conditionally(send_from_directory(HERE, "index.html", mimetype="text/html", conditional=False))
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    return response


@blueprint.get("/assets/<name>")
def asset(name: str) -> Response:
    """A file of the documentation: ours, or one of the few of the bundle that it needs."""
    if name == "start.js":
        return conditionally(send_from_directory(HERE, name, conditional=False))
    if name not in _FROM_BUNDLE:
        raise NotFound
    bundled = send_from_directory(str(swagger_ui_path), name, max_age=86_400, conditional=False)
    return conditionally(bundled)
