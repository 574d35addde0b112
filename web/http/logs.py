"""Adds to a web process's log lines the id of the request that wrote them."""

import logging

import structlog

from config import Settings
from tasks.runtime.logs import configure_logging
from web.http.request_id import add_request_id


def configure(settings: Settings) -> None:
    """Set up logging as everywhere, with the request's id. Done again it changes nothing but the form."""
    configure_logging(settings, "web")
    structlog.configure(processors=[add_request_id, *structlog.get_config()["processors"]])
    for handler in logging.getLogger().handlers:
        formatter = handler.formatter
        if isinstance(formatter, structlog.stdlib.ProcessorFormatter):
            formatter.foreign_pre_chain = [add_request_id, *(formatter.foreign_pre_chain or ())]
    logging.getLogger("alembic.runtime.migration").setLevel(
        logging.WARNING
    )  # it speaks at every readiness check
