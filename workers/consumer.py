"""Celery's consumer, as our workers have it: it finds its broker again within a second, in two lines of log.

Celery's own writes lines at every attempt and waits up to half a minute between two of them. It also declares
queues for messages with a delay, of which we have none, at every node whenever queues are of the type quorum.
"""

import logging
import time
import warnings
from typing import Any, ClassVar, Final

from celery.exceptions import CPendingDeprecationWarning
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown

from tasks.runtime.outage import BROKER_ERRORS, Outage

FIRST_PAUSE_S: Final = 0.25  # before the second attempt to connect; then longer by as much each time
PAUSE_S: Final = 1.0  # at most
DELAYED: Final = "celery.worker.consumer.delayed_delivery:DelayedDelivery"
TALKERS: Final = ("celery.worker.consumer.consumer", "celery.worker.loops", "celery.worker.request")


class QuietConsumer(Consumer):
    """Connects again, at whichever node of the broker answers."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[valid-type,misc]  # the stubs have a variable
        """Celery's steps without the one for messages with a delay."""

        default_steps: ClassVar = [step for step in Consumer.Blueprint.default_steps if step != DELAYED]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._outage = Outage("consumer")
        warnings.filterwarnings("ignore", category=CPendingDeprecationWarning, module=__name__)
        for talker in TALKERS:
            logging.getLogger(talker).addFilter(is_news)

    def ensure_connected(self, conn: Any) -> Any:
        """Return the connection once it is one; between two attempts the worker can be stopped."""
        conn.ensure_connection(
            self._note_unless_another_is_asked,
            interval_start=FIRST_PAUSE_S,
            interval_step=FIRST_PAUSE_S,
            interval_max=PAUSE_S,
            callback=maybe_shutdown,
        )
        self.first_connection_attempt = False
        return conn

    def _note_unless_another_is_asked(self, error: Exception, pause_s: float) -> None:
        if pause_s:  # between two nodes there is none
            self._outage.note(error)

    def on_ready(self) -> None:
        """It listens: only now the broker does what it is there for."""
        self._outage.end()
        super().on_ready()

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """The broker answers and will not have us."""
        self._outage.note(exc)
        time.sleep(PAUSE_S)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """The connection broke, or the broker refused something, which ends a channel."""
        self._outage.note(exc)
        super().on_connection_error_after_connected(exc)
        time.sleep(FIRST_PAUSE_S)


def is_news(record: logging.LogRecord) -> bool:
    """Whether a line of Celery's says something else than that the broker was lost, which is told already."""
    said = record.args if isinstance(record.args, tuple) else ()
    return not any(isinstance(one, BROKER_ERRORS) for one in said)
