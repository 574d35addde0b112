"""Each worker's own timer: it sweeps even when beat is dead, and drains when no bell is answered.

Of all workers one at a time sweeps: once a second at rest, at the time of what is due next, and four times a
second while something moves. A worker that gets a task knows that something does, and does not wait.
"""

import threading
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
from tasks.runtime.isolation import apart
from tasks.runtime.periodic import Periodic
from tasks.sales.pulse import take_pulses
from tasks.sweeper import PACE_S, REST_S, Sweeper

log: Final = structlog.get_logger()

BUSY_S: Final = 1.0  # after a task began, that something may move
PATIENCE_S: Final = 3.0  # for so long a sale may be rung for in vain
TURN: Final = 0.96  # of the time to the next sweep, that a sweep counts for all workers: none is left out
STOP_S: Final = 5.0  # for a sweep that is under way to come to its end
FORGET_S: Final = 2.0  # a sale that was not rung for so long is answered again


class InlineFallback(Bell):
    """Rings the bell; a sale whose bell nobody can hear is drained here, inline.

    Nobody can: the broker takes no bell; or takes them, and consumers hang on dead connections.
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
        """Ask for a drain; do it where the broker takes no bell, or after asking in vain for a while."""
        now, sale = self._clock(), str(sale_id)
        since, last = self._rung.get(sale, (now, now))
        if now - last > FORGET_S:
            since = now
        self._rung[sale] = (since, now)
        is_taken = self._bell.ring(sale)
        if is_taken and now - since < PATIENCE_S:
            return True
        if is_taken:
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
    """A thread that sweeps, and takes the pulses of what moves, until it is stopped."""

    def __init__(
        self,
        context: Context,
        *,
        rest_s: float = REST_S,
        pace_s: float = PACE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("sweep", self._sweep, rest_s, hindered="sweep_hindered", failed="sweep_failed")
        bell = InlineFallback(context.bell, lambda sale_id: drain_sale(context, sale_id))
        self._context = replace(context, bell=bell)
        self._sweeper = Sweeper(self._context)
        self._rest_s, self._pace_s = rest_s, pace_s
        self._clock = clock
        self._begun_at = self._due_at = clock()  # when the last sweep began, and when the next is to
        self._busy_until = self._begun_at
        self._woken = threading.Event()

    def wake(self) -> None:
        """Sweep soon, since something may move: `pace_s` after the last time, and so on for a moment."""
        self._busy_until = self._clock() + BUSY_S
        if self._due_at - self._begun_at > self._pace_s:  # it rests
            self._due_at = self._begun_at + self._pace_s
            self._woken.set()

    def stop(self) -> None:
        """Stop after the sweep that is under way."""
        super().stop()
        self._woken.set()
        self.join(STOP_S)

    def rest(self, seconds: float) -> bool:
        """Wait until the next sweep is due, which `wake` brings nearer; returns whether it was stopped."""
        del seconds
        while not super().rest(0) and (left_s := self._due_at - self._clock()) > 0:
            self._woken.wait(left_s)
            self._woken.clear()
        return super().rest(0)

    def _sweep(self) -> None:
        """Sweep if it is this worker's turn. One that rests leaves the turn to one that is in a hurry."""
        now = self._clock()
        is_hurried = self._due_at - self._begun_at < self._rest_s
        self._begun_at, self._due_at = now, now + self._rest_s  # also where it fails
        pause_s = self._rest_s
        if self._has_turn(self._pace_s if is_hurried else self._rest_s):
            with apart("pulse_hindered"):
                take_pulses(self._context, self._sweeper.moving_sales)
            if self._context.breaker.is_closed():
                pause_s = self._sweeper.sweep()
        if now < self._busy_until:
            pause_s = min(pause_s, self._pace_s)
        self._due_at = now + min(pause_s, self._rest_s)

    def _has_turn(self, for_s: float) -> bool:
        try:
            return self._context.live.take_turn("sweep", round(for_s * TURN * 1000))
        except LineUnavailable:
            return True  # the ledger can be looked after without Redis
