"""Owns each worker's pulse thread: whichever comes first in a second takes the samples of running sales."""

import threading
from typing import Final

import structlog

from models.errors import Unavailable
from tasks.context import Context
from tasks.sales.pulse import PulseTaker

log: Final = structlog.get_logger()

PERIOD_S: Final = 0.5  # so that one worker alone misses no second


class PulseTimer:
    """A thread that takes pulses every `period_s` seconds until it is stopped."""

    def __init__(self, context: Context, period_s: float = PERIOD_S) -> None:
        self._taker = PulseTaker(context)
        self._period_s = period_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse-timer", daemon=True)

    def start(self) -> None:
        """Begin to take pulses."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the samples that are being taken; nobody has to wait for them."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._period_s):
            try:
                self._taker.take()
            except Unavailable as error:
                log.warning("pulse_hindered", error=str(error))
            except Exception:
                log.exception("pulse_failed")
