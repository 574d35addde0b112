"""Finds out what became of submissions whose reply from Redis was lost, and answers with the truth."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

import structlog

from models.errors import AlreadyDecided, Fenced, LineUnavailable, NotFound, TooFewReplicas, Unavailable
from models.live.records import Answer, AnswerCode, LiveIntent, Submission
from models.live.store import Live
from tasks.intake.journal import Journal
from tasks.intake.sale_cache import SaleRef

log: Final = structlog.get_logger()

RESOLVE_S: Final = 8.0  # how long the fate of submissions is looked up
PAUSE_S: Final = 0.1  # before a store that did not answer is asked again
WITHDRAW_S: Final = 600.0  # how long submissions refused without an answer are withdrawn

Fate = Answer | LineUnavailable


class LostReplies:
    """Finds out what became of submissions, and withdraws those that were refused because no answer came."""

    def __init__(self, live: Live, is_stored: Callable[[UUID], bool], journal: Journal | None = None) -> None:
        self._live = live
        self._is_stored = is_stored
        self._journal = journal

    def find_out(
        self, sale_ref: SaleRef, submissions: Sequence[Submission], deadline_ms: int
    ) -> Sequence[Fate]:
        """Return what became of each: the answer that was lost, or that it does not stand in line.

        After the deadline, on Redis' clock, what is not in line will not enter it. What was accepted
        and settled meanwhile is in the ledger. What cannot be known in time is refused, and is taken out of
        the line as soon as that answers again.
        """
        fates: dict[str, Fate] = {}
        until = time.monotonic() + RESOLVE_S
        while len(fates) < len(submissions) and time.monotonic() < until:
            time.sleep(PAUSE_S)
            try:
                if self._live.now_ms(sale_ref.sale_id) > deadline_ms:
                    for one in submissions:
                        if one.intent_id not in fates:
                            fates[one.intent_id] = self._look_up(sale_ref, one)
            except Unavailable:
                continue
        unknown = [one for one in submissions if one.intent_id not in fates]
        if unknown:
            self._withdraw_later(sale_ref, unknown)
        refusal = LineUnavailable("The line did not answer in time.")
        return [fates.get(one.intent_id, refusal) for one in submissions]

    def take_back(self, sale_ref: SaleRef, submissions: Sequence[Submission]) -> Sequence[Fate]:
        """Withdraw what is not as safe as it has to be, and refuse it; what a worker took is told so.

        A worker writes its verdict to the ledger, from where no fail-over takes it.
        """
        fates: list[Fate] = []
        for at, one in enumerate(submissions):
            try:
                fates.append(self._refused(sale_ref, one))
            except LineUnavailable:
                rest = list(submissions[at:])
                self._withdraw_later(sale_ref, rest)
                return fates + [LineUnavailable("It could not be kept.")] * len(rest)
        return fates

    def _refused(self, sale_ref: SaleRef, one: Submission) -> Fate:
        refusal = TooFewReplicas("It could not be kept; the intent does not stand in line.")
        try:
            self._live.withdraw(sale_ref.sale_id, sale_ref.epoch, one)
        except (NotFound, Fenced):
            return refusal
        except AlreadyDecided:
            return self._stored(one) or refusal
        return refusal

    def _stored(self, one: Submission) -> Answer | None:
        """Wait until a verdict is in the ledger; None if that is not known in time."""
        until = time.monotonic() + RESOLVE_S
        while time.monotonic() < until:
            with suppress(Unavailable):
                if self._is_stored(UUID(one.intent_id)):
                    return _decided(one)
            time.sleep(PAUSE_S)
        log.error("decided_unawares", intent_id=one.intent_id)
        return None

    def _look_up(self, sale_ref: SaleRef, one: Submission) -> Fate:
        found = self._live.find(sale_ref.sale_id, one.intent_id)
        if found is None and not self._is_stored(UUID(one.intent_id)):
            return LineUnavailable("The line did not answer; the intent does not stand in it.")
        if found is None:
            return _decided(one)
        answer = _decided(one, found.intent)
        self._live.replicas.require_known(sale_ref.sale_id)
        if self._journal is not None:
            told = answer._replace(sale_status=found.sale_status, code=AnswerCode.ACCEPTED)
            self._journal.write(sale_ref, [one], [told])
        return answer

    def _withdraw_later(self, sale_ref: SaleRef, submissions: list[Submission]) -> None:
        """Once the line answers, withdraw what was refused without its answer, so the refusal is true."""
        arguments = (sale_ref, submissions)
        threading.Thread(target=self._withdraw, args=arguments, name="withdraw", daemon=True).start()

    def _withdraw(self, sale_ref: SaleRef, submissions: list[Submission]) -> None:
        until = time.monotonic() + WITHDRAW_S
        while submissions and time.monotonic() < until:
            time.sleep(PAUSE_S)
            try:
                while submissions:
                    self._take_out(sale_ref, submissions[-1])
                    submissions.pop()
            except LineUnavailable:
                continue
        if submissions:
            log.error("not_withdrawn", sale_id=str(sale_ref.sale_id), intents=len(submissions))

    def _take_out(self, sale_ref: SaleRef, submission: Submission) -> None:
        try:
            self._live.withdraw(sale_ref.sale_id, sale_ref.epoch, submission)
        except (NotFound, Fenced):
            return  # it never stood there, or the line is gone
        except AlreadyDecided:
            log.error("decided_unawares", sale_id=str(sale_ref.sale_id), intent_id=submission.intent_id)


def _decided(one: Submission, intent: LiveIntent | None = None) -> Answer:
    """Answer with what became of a submission; without an intent it is in the ledger."""
    return Answer(AnswerCode.REPLAYED, one.intent_id, intent, time.time_ns() // 1_000_000, 0, 0, "")
