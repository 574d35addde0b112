"""Each worker's own timer: it sweeps even when beat is dead, and drains when no bell is answered.

A sweep costs a process some 15 ms, most of it for asking the ledger; so of all workers one at a time sweeps.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from uuid import UUID

import structlog

from models.errors import LineUnavailable
from tasks.context import Context
from tasks.intents.drain import drain_sale
from tasks.runtime.bell import Bell
from tasks.runtime.periodic import Periodic
from tasks.sweep import sweep_everything

log: Final = structlog.get_logger()

PERIOD_S: Final = 0.25
PATIENCE_S: Final = 3.0  # for so long a sale may be rung for in vain
TURN_MS: Final = 240  # that a sweep counts for all workers; less than a period, so that none is left out
STOP_S: Final = 5.0  # for a sweep that is under way to come to its end
FORGET_S: Final = 2.0  # a sale that was not rung for so long is answered again


class InlineDrainFallback(Bell):
    """Rings the bell; a sale that was rung for in vain for a while is drained here, inline.

    In vain: the broker is away, or a consumer hangs on a dead connection.
    """

    def __init__(
        self,
        bell: Bell,
        drain: Callable[[UUID], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bell = bell
        self._drain = drain
        self._clock = clock
        self._rung: dict[str, tuple[float, float]] = {}  # sale → since when, and when last

    def ring(self, sale_id: UUID | str) -> bool:
        """Ask for a drain; after asking in vain for a while, do it."""
        now, sale = self._clock(), str(sale_id)
        since, last = self._rung.get(sale, (now, now))
        if now - last > FORGET_S:
            since = now
        self._rung[sale] = (since, now)
        if now - since < PATIENCE_S:
            return self._bell.ring(sale)
        log.warning("bell_in_vain", sale_id=sale, seconds=round(now - since, 1))
        self._rung.pop(sale)
        self._drain(UUID(sale))
        return True

    def unheard(self, queue: str) -> int | None:
        """Count what the other bell rang in vain so far."""
        return self._bell.unheard(queue)

    def unfinished(self) -> int | None:
        """Count what workers have taken up from the other bell."""
        return self._bell.unfinished()

    def send(self, name: str, subject: str | None, queue: str) -> bool:
        """Ring for all else as any other bell."""
        return self._bell.send(name, subject, queue)


class SweepTimer(Periodic):
    """A thread that sweeps every `period_s` seconds until it is stopped."""

    def __init__(self, context: Context, period_s: float = PERIOD_S) -> None:
        super().__init__("sweep", self._sweep, period_s, hindered="sweep_hindered", failed="sweep_failed")
        bell = InlineDrainFallback(context.bell, lambda sale_id: drain_sale(context, sale_id))
        self._context = replace(context, bell=bell)

    def stop(self) -> None:
        """Stop after the sweep that is under way."""
        super().stop()
        self.join(STOP_S)

    def _sweep(self) -> None:
        if self._context.breaker.is_closed() and self._has_turn():
            sweep_everything(self._context)

    def _has_turn(self) -> bool:
        try:
            return self._context.live.take_turn("sweep", TURN_MS)
        except LineUnavailable:
            return True  # the ledger can be looked after without Redis
