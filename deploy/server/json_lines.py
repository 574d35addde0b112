"""gunicorn's own lines as JSON, like the application's; of a request no address, query or header."""

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

_OF_A_REQUEST: Final = {  # gunicorn's names of what is known of a request, and ours
    "m": "method",
    "U": "path",
    "s": "status",
    "B": "bytes",
    "D": "microseconds",
    "{x-request-id}o": "request_id",
}


class JsonLines(logging.Formatter):
    """A line of the log as one JSON object; what is given as a mapping becomes its fields."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Write a line."""
        told: dict[str, Any] = dict(getattr(record, "told", {}))
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        told |= {"event": record.getMessage(), "process": self._process, "pid": record.process}
        told |= {"level": record.levelname.lower(), "timestamp": at.replace("+00:00", "Z")}
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn logs by, where lines are JSON."""

    process: str = "web"

    def setup(self, cfg: Any) -> None:
        """Set up as gunicorn does, in another form."""
        super().setup(cfg)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(JsonLines(self.process))

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Log a request that was answered."""
        if self.access_log_enabled:
            atoms = self.atoms(resp, req, environ, request_time)
            told = {name: atoms.get(atom) for atom, name in _OF_A_REQUEST.items()}
            self.access_log.info("request", extra={"told": told})
