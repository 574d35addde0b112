"""Accepts intents, in batches: submissions that arrive together go to the line in one round trip.

Requests and sockets wait in the same queue, in the order of arrival.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Final
from uuid import UUID

import structlog

from models.errors import Fenced, LateSubmission, LineRefused, LineUnavailable, NotKept, SaleOver
from models.live.records import Answer, Submission
from models.live.store import Live, SubmitReply
from tasks.intake.gathering import Gathering
from tasks.intake.journal import Journal
from tasks.intake.reply_recovery import PAUSE_S, LostReplies
from tasks.intake.sale_cache import SaleCache, SaleRef
from tasks.intake.told_tickets import ToldTickets
from tasks.runtime.bell import Bell
from tasks.runtime.measures import SUBMITTED, Measures
from tasks.tracing.traces import BELL, LINE, OFF, Traces

log: Final = structlog.get_logger()

MOST_AT_ONCE: Final = 250
PATIENCE_MS: Final = (
    2_000  # after which the line refuses a submission, so that nobody is queued without knowing
)
AWAY: Final = "away"  # the outcome of a submission that the line did not take; the others are `AnswerCode`
_STARTED_MS: Final = (time.time_ns() - time.monotonic_ns()) // 1_000_000

Outcome = Answer | Exception
Tell = Callable[[Outcome], None]


class Intake:
    """One per process; called by every request's thread or greenlet, and by the sockets' one."""

    def __init__(
        self,
        live: Live,
        sale_cache: SaleCache,
        bell: Bell,
        *,
        is_stored: Callable[[UUID], bool],
        told: ToldTickets | None = None,
        measures: Measures | None = None,
        traces: Traces = OFF,
        journal: Journal | None = None,
    ) -> None:
        self._live = live
        self._sale_cache = sale_cache
        self._bell = bell
        self._told = told
        self._measures = measures or Measures()
        self._traces = traces
        self._journal = journal
        self._lost = LostReplies(live, is_stored, journal)
        self._gathering = Gathering("submissions", self._carry, most=MOST_AT_ONCE)
        self._ahead_ms: dict[Hashable, int] = {}  # Redis' clocks less ours; a cluster has several

    def submit(self, sale_id: UUID, submission: Submission) -> Answer:
        """Put an intent into a sale's line and wait for the line's answer.

        Raises:
            NoSuchSale: there is none.
            SaleOver: it is finished and has no line any more.
            LineUnavailable: it does not stand in line.
            LedgerUnavailable: the sale is not cached and cannot be read.
        """
        return self._gathering.ask(sale_id, submission)

    def put(self, sale_id: UUID, submission: Submission, tell: Tell) -> None:
        """Queue an intent for a sale's line; returns at once.

        `tell` is called once, with the line's answer or with what `submit` would raise, from a thread of the
        intake's own. Other callbacks run after it, so it must not block.
        """
        self._gathering.put(sale_id, submission, tell)

    def waiting(self, sale_id: UUID) -> int:
        """Count the submissions that wait for the next round trip."""
        return self._gathering.waiting(sale_id)

    def _carry(self, sale_id: UUID, submissions: list[Submission]) -> Sequence[Outcome]:
        """Send; who has waited meanwhile as long as the line did not answer is refused with the others."""
        try:
            outcomes = self._send(sale_id, submissions)
        except LineUnavailable as error:
            self._measures.count(SUBMITTED, AWAY, by=len(submissions))
            self._gathering.refuse_older(sale_id, PATIENCE_MS / 1000, error)
            raise
        told = Counter(one.code if isinstance(one, Answer) else AWAY for one in outcomes)
        for outcome, many in told.items():
            self._measures.count(SUBMITTED, outcome, by=many)
        return outcomes

    def _send(self, sale_id: UUID, submissions: list[Submission]) -> Sequence[Outcome]:
        """Make the round trip; reads a new epoch from the ledger once if the old one is refused."""
        sale_ref = self._present(sale_id)
        try:
            return self._submit(sale_ref, submissions)
        except Fenced:
            self._sale_cache.forget(sale_id)
            renewed = self._present(sale_id)
            if renewed.epoch == sale_ref.epoch:
                raise LineUnavailable("The sale's line is being rebuilt; nothing was accepted.") from None
            return self._submit(renewed, submissions)

    def _present(self, sale_id: UUID) -> SaleRef:
        sale_ref = self._sale_cache.by_id(sale_id)
        if sale_ref.is_past:
            raise SaleOver("The sale is over.")
        return sale_ref

    def _submit(self, sale_ref: SaleRef, submissions: list[Submission]) -> Sequence[Outcome]:
        self._reach(sale_ref.sale_id)
        self._live.replicas.require(sale_ref.sale_id)
        clock = self._live.clock_of(sale_ref.sale_id)
        began_ns = time.time_ns()
        ahead_ms, deadline_ms = self._ahead_ms.get(clock), self._redis_now_ms(sale_ref.sale_id) + PATIENCE_MS
        try:
            reply = self._keep(sale_ref, submissions, deadline_ms)
        except LateSubmission:
            self._ahead_ms.pop(clock, None)
            if ahead_ms is None or not self._was_set_ahead(sale_ref.sale_id, ahead_ms):
                raise
            return self._submit(sale_ref, submissions)
        except LineRefused as error:
            log.warning("line_refuses", sale_id=str(sale_ref.sale_id), error=str(error))
            return self._submit_apart(sale_ref, submissions, deadline_ms)
        except NotKept as error:
            log.warning(
                "not_kept",
                sale_id=str(sale_ref.sale_id),
                submissions=len(submissions),
                error=str(error),
            )
            return self._lost.take_back(sale_ref, submissions)
        except LineUnavailable as error:
            count = len(submissions)
            log.warning("line_away", sale_id=str(sale_ref.sale_id), submissions=count, error=str(error))
            return self._lost.find_out(sale_ref, submissions, deadline_ms)
        self._ahead_ms[clock] = reply.answers[0].now_ms - _own_ms()
        self._note(sale_ref.sale_id, reply, began_ns)
        return reply.answers

    def _keep(self, sale_ref: SaleRef, submissions: Sequence[Submission], deadline_ms: int) -> SubmitReply:
        """Submit, and make what was accepted as safe as the settings ask."""
        reply = self._live.submit(sale_ref.sale_id, sale_ref.epoch, submissions, deadline_ms=deadline_ms)
        if self._journal is not None:
            self._journal.write(sale_ref, submissions, reply.answers)
        return reply

    def _note(self, sale_id: UUID, reply: SubmitReply, began_ns: int) -> None:
        """Ring if the line asks for it, and note the tickets that are about to be told."""
        if self._traces.is_on:
            self._traces.lined_up(LINE, sale_id, reply.answers, began_ns)
        if reply.ring:
            _aside(self._ring, sale_id, reply)
        if self._told is not None:
            self._told.add(sale_id, reply.answers)

    def _submit_apart(
        self, sale_ref: SaleRef, submissions: list[Submission], deadline_ms: int
    ) -> Sequence[Outcome]:
        """Submit one by one: a Redis that accepts no writes still knows who stands in line already.

        As a batch they were refused because of the first new one, and nothing was done. Those whose deadline
        passes meanwhile, as in a cluster while the sale moves to another master, are not sent any more.
        """
        outcomes: list[Outcome] = []
        until = time.monotonic() + PATIENCE_MS / 1000
        for at, one in enumerate(submissions):
            if time.monotonic() > until:
                late = LateSubmission("The line was too slow; nothing was accepted.")
                return outcomes + [late] * (len(submissions) - at)
            began_ns = time.time_ns()
            try:
                reply = self._keep(sale_ref, [one], deadline_ms)
            except (LineRefused, LateSubmission) as refusal:
                outcomes.append(refusal)
            except NotKept:
                return outcomes + list(self._lost.take_back(sale_ref, submissions[at:]))
            except LineUnavailable:
                return outcomes + list(self._lost.find_out(sale_ref, submissions[at:], deadline_ms))
            else:
                outcomes += reply.answers
                self._note(sale_ref.sale_id, reply, began_ns)
        return outcomes

    def _ring(self, sale_id: UUID, reply: SubmitReply) -> None:
        began_ns = time.time_ns()
        self._bell.ring(sale_id)
        if self._traces.is_on:
            self._traces.lined_up(BELL, sale_id, reply.answers, began_ns)

    def _reach(self, sale_id: UUID) -> None:
        """Wait a little for a Redis that restarts; nothing was sent, so that giving up is a true refusal."""
        until = time.monotonic() + PATIENCE_MS / 1000
        while True:
            try:
                return self._live.reach(sale_id)
            except LineUnavailable:
                if time.monotonic() >= until:
                    raise
            time.sleep(PAUSE_S)

    def _was_set_ahead(self, sale_id: UUID, ahead_ms: int) -> bool:
        """Return whether Redis' clock was set ahead since, so the submissions were not late; notes it."""
        return self._redis_now_ms(sale_id) - _own_ms() - ahead_ms > PATIENCE_MS

    def _redis_now_ms(self, sale_id: UUID) -> int:
        clock = self._live.clock_of(sale_id)
        if clock not in self._ahead_ms:
            self._ahead_ms[clock] = self._live.now_ms(sale_id) - _own_ms()
        return _own_ms() + self._ahead_ms[clock]


def _aside(ring: Callable[[UUID, SubmitReply], None], sale_id: UUID, reply: SubmitReply) -> None:
    """Ring in a thread, so that nobody waits for the broker: the intents are durable, and sweeps ring too."""
    threading.Thread(target=ring, args=(sale_id, reply), name="bell", daemon=True).start()


def _own_ms() -> int:
    """Read this process's monotonic clock."""
    return _STARTED_MS + time.monotonic_ns() // 1_000_000
