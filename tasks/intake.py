"""Owns the acceptance of intents: those that arrive together go to the line together.

While a round trip is in flight, the submissions that come meanwhile gather, and leave in the next one:
no wait is added when it is quiet, and few round trips are made when it is busy.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from models.errors import (
    AlreadyDecided,
    Fenced,
    FlashSaleError,
    LateSubmission,
    LineUnavailable,
    NotFound,
    SaleOver,
)
from models.live.records import Answer, AnswerCode, Submission
from models.live.store import Live
from tasks.bell import Bell
from tasks.facts import SaleBook, SaleFacts

log: Final = structlog.get_logger()

MOST_AT_ONCE: Final = 250
PATIENCE_MS: Final = 2_000  # after which the line refuses a submission, so that nobody is queued unawares
RESOLVE_S: Final = 8.0  # how long the fate of submissions is asked for whose answer was lost
RESOLVE_PAUSE_S: Final = 0.1
WITHDRAW_S: Final = 600.0  # how long what was refused without an answer is looked for


@dataclass(slots=True)
class _Waiting:
    submission: Submission
    gate: threading.Lock = field(default_factory=threading.Lock)
    answer: Answer | None = None
    error: Exception | None = None

    @property
    def is_done(self) -> bool:
        return self.answer is not None or self.error is not None


@dataclass(slots=True)
class _Queue:
    """The submissions of one sale in this process. `is_busy` while one of them leads a round trip."""

    waiting: list[_Waiting] = field(default_factory=list)
    is_busy: bool = False


class Intake:
    """One a process; called by every request's thread or greenlet."""

    def __init__(self, live: Live, book: SaleBook, bell: Bell, *, is_stored: Callable[[UUID], bool]) -> None:
        self._live = live
        self._is_stored = is_stored
        self._book = book
        self._bell = bell
        self._queues: dict[UUID, _Queue] = {}
        self._lock = threading.Lock()
        self._clock_ahead_ms: int | None = None  # Redis' clock less ours

    def submit(self, sale_id: UUID, submission: Submission) -> Answer:
        """Put an intent into a sale's line and wait for the line's answer.

        Raises:
            NoSuchSale: there is none.
            SaleOver: it is past, and has no line any more.
            LineUnavailable: it does not stand in line.
            LedgerUnavailable: the sale is not remembered and cannot be asked for.
        """
        mine = _Waiting(submission)
        mine.gate.acquire()
        with self._lock:
            queue = self._queues.setdefault(sale_id, _Queue())
            queue.waiting.append(mine)
            leads, queue.is_busy = not queue.is_busy, True
        if not leads:
            mine.gate.acquire()  # until there is an answer, or it is our turn to lead
        if not mine.is_done:
            self._lead(sale_id, queue)
        if mine.answer is None:
            raise mine.error or LineUnavailable("The submission was not answered.")
        return mine.answer

    def _lead(self, sale_id: UUID, queue: _Queue) -> None:
        with self._lock:
            batch, queue.waiting = queue.waiting[:MOST_AT_ONCE], queue.waiting[MOST_AT_ONCE:]
        try:
            self._send(sale_id, batch)
        except Exception as error:
            for one in batch:
                one.error = one.error or error
            if not isinstance(error, FlashSaleError):
                raise
        finally:
            self._hand_over(queue)
            for one in batch:
                one.gate.release()

    def _hand_over(self, queue: _Queue) -> None:
        with self._lock:
            if queue.waiting:
                queue.waiting[0].gate.release()
            else:
                queue.is_busy = False

    def _send(self, sale_id: UUID, batch: list[_Waiting]) -> None:
        """Make the round trip; asks the ledger once for a new epoch where the old one is refused."""
        facts = self._present(sale_id)
        try:
            self._submit(facts, batch)
        except Fenced:
            self._book.forget(sale_id)
            renewed = self._present(sale_id)
            if renewed.epoch == facts.epoch:
                raise LineUnavailable("The sale's line is being rebuilt; nothing was accepted.") from None
            self._submit(renewed, batch)

    def _present(self, sale_id: UUID) -> SaleFacts:
        facts = self._book.by_id(sale_id)
        if facts.is_past:
            raise SaleOver("The sale is over.")
        return facts

    def _submit(self, facts: SaleFacts, batch: list[_Waiting]) -> None:
        self._reach()
        deadline_ms = self._redis_now_ms() + PATIENCE_MS
        submissions = [one.submission for one in batch]
        try:
            reply = self._live.submit(facts.sale_id, facts.epoch, submissions, deadline_ms=deadline_ms)
        except LateSubmission:
            self._clock_ahead_ms = None
            raise
        except LineUnavailable as error:
            log.warning("line_away", sale_id=str(facts.sale_id), submissions=len(batch), error=str(error))
            self._resolve(facts, batch, deadline_ms)
            return
        for one, answer in zip(batch, reply.answers, strict=True):
            one.answer = answer
        self._clock_ahead_ms = reply.answers[0].now_ms - _own_ms()
        if reply.ring:
            _ring_aside(self._bell, facts.sale_id)

    def _reach(self) -> None:
        """Wait a little for a Redis that restarts; nothing was sent, so that giving up is a true refusal."""
        until = time.monotonic() + PATIENCE_MS / 1000
        while True:
            try:
                return self._live.reach()
            except LineUnavailable:
                if time.monotonic() >= until:
                    raise
            time.sleep(RESOLVE_PAUSE_S)

    def _redis_now_ms(self) -> int:
        if self._clock_ahead_ms is None:
            self._clock_ahead_ms = self._live.now_ms() - _own_ms()
        return _own_ms() + self._clock_ahead_ms

    def _resolve(self, facts: SaleFacts, batch: list[_Waiting], deadline_ms: int) -> None:
        """An answer was lost: find out what became of the submissions, so as to say what is true.

        After the deadline, on Redis' clock, what is not in line will not come into it. What was accepted
        and settled meanwhile is in the ledger.
        """
        until = time.monotonic() + RESOLVE_S
        while time.monotonic() < until:
            time.sleep(RESOLVE_PAUSE_S)
            try:
                if self._live.now_ms() <= deadline_ms:
                    continue
                for one in batch:
                    self._look_up(facts, one)
            except LineUnavailable:
                continue
            return
        self._withdraw_later(facts, batch)
        raise LineUnavailable("The line did not answer in time.")

    def _withdraw_later(self, facts: SaleFacts, batch: list[_Waiting]) -> None:
        """Once the line answers, take out of it what was refused without its answer, so that that is true."""
        submissions = [one.submission for one in batch]
        arguments = (facts, submissions)
        threading.Thread(target=self._withdraw, args=arguments, name="withdraw", daemon=True).start()

    def _withdraw(self, facts: SaleFacts, submissions: list[Submission]) -> None:
        until = time.monotonic() + WITHDRAW_S
        while submissions and time.monotonic() < until:
            time.sleep(RESOLVE_PAUSE_S)
            try:
                while submissions:
                    one = submissions[-1]
                    self._take_out(facts, one)
                    submissions.pop()
            except LineUnavailable:
                continue
        if submissions:
            log.error("not_withdrawn", sale_id=str(facts.sale_id), intents=len(submissions))

    def _take_out(self, facts: SaleFacts, submission: Submission) -> None:
        try:
            self._live.leave(facts.sale_id, facts.epoch, submission.intent_id, submission.user_id)
        except (NotFound, Fenced):
            return  # it never stood there, or that line is gone
        except AlreadyDecided:
            log.error("decided_unawares", sale_id=str(facts.sale_id), intent_id=submission.intent_id)

    def _look_up(self, facts: SaleFacts, one: _Waiting) -> None:
        found = self._live.find(facts.sale_id, one.submission.intent_id)
        if found is None and not self._is_stored(UUID(one.submission.intent_id)):
            one.error = LineUnavailable("The line did not answer; the intent does not stand in it.")
            return
        one.answer = Answer(
            AnswerCode.REPLAYED,
            one.submission.intent_id,
            found.intent if found else None,
            _own_ms(),
            0,
            0,
            "",
        )


def _ring_aside(bell: Bell, sale_id: UUID) -> None:
    """Ring without letting anybody wait for the broker: the intents are durable, and sweeps ring too."""
    threading.Thread(target=bell.ring, args=(sale_id,), name="bell", daemon=True).start()


def _own_ms() -> int:
    return time.time_ns() // 1_000_000
