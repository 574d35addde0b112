"""Configures logging: structured, a line an event; readable in development, JSON in production."""

import logging
import sys
from functools import partial
from typing import Any

import structlog
from celery import current_task
from structlog.typing import EventDict, WrappedLogger

from config import Settings


def configure_logging(settings: Settings, process: str) -> None:
    """Set up structlog and route the standard library's loggers to the same lines."""
    level = logging.getLevelName(settings.log_level)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        add_task,
        partial(_add_process, process),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_json
        else structlog.dev.ConsoleRenderer(
            colors=False,
            pad_event_to=0,
            # Rich tracebacks take seconds to render, during which a worker stands still, and show secrets.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer]
        if settings.log_json
        else [*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=renderer))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("celery.worker.strategy", "celery.app.trace", "celery.beat"):  # lines for every bell
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))


def add_task(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Give a log line the task of Celery that wrote it: only lines pay for it, not tasks."""
    for name, value in running_task().items():
        event.setdefault(name, value)
    return event


def _add_process(process: str, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name the process. No context variable does it: requests and threads have contexts of their own."""
    event.setdefault("process", process)
    return event


def running_task() -> dict[str, Any]:
    """Name Celery's task that runs in this thread, as the log and traces do; nothing where none does."""
    return {"celery_task_id": current_task.request.id} if current_task else {}
