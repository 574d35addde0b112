"""Follows some intents from the request to the socket: each stage is a span of the trace of that intent.

An intent's id *is* its trace's, and whether it is followed shows in the random end of it. So no context
travels: web, line, workers and hubs know by the id alone (docs/decisions/0031-an-intents-id-is-its-trace.md).

No stage names a shopper: what is written of one is its sale, ticket, sizes and outcome.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, NamedTuple
from uuid import UUID

import structlog

from config import TraceSettings
from models.live.records import Answer, AnswerCode, Claim, Submission
from models.messages import Message
from tasks.runtime.logs import running_task

log: Final = structlog.get_logger()

POST: Final = "POST intent"
BY_SOCKET: Final = "socket intent"
LINE: Final = "line"
BELL: Final = "bell"
CLAIM: Final = "claim"
COMMIT: Final = "commit"
SETTLE: Final = "settle"
SOCKET: Final = "socket"

_TAIL: Final = 12  # hexadecimal digits at the end of an intent's id, all of them random
_TAILS: Final = 1 << 4 * _TAIL
_MOST_NAMED: Final = 5  # traces in one line of the log
_SAMPLED_PARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f][13579bdf](?:-.*)?")


class Stage(NamedTuple):
    """One stage of an intent's way; the first is the parent of all others. Times are ns since the epoch."""

    name: str
    intent_id: str
    began_ns: int
    ended_ns: int
    facts: Mapping[str, str | int]
    caller: str = ""  # the sampled `traceparent` with which it came
    error: str = ""


class Traces:
    """One per process. Where `is_on` is false, nothing else of it need be called."""

    def __init__(
        self, settings: TraceSettings | None = None, export: Callable[[Stage], None] | None = None
    ) -> None:
        self.is_on: Final = settings is not None and export is not None
        self._export = export
        self._follows_callers = settings is not None and settings.follows_callers
        self._least_tail = _least_tail(settings.ratio if settings is not None else 0.0)

    def takes(self, intent_id: str) -> bool:
        """Return whether an intent is followed; every process says the same of it."""
        return self.is_on and intent_id[-_TAIL:] >= self._least_tail

    def let_follow(self, submission: Submission, caller: str) -> Submission:
        """Give an intent an id that is followed, where its caller is traced and such callers are followed."""
        if not self._follows_callers or self.takes(submission.intent_id) or not _is_sampled(caller):
            return submission
        least = int(self._least_tail, 16)
        tail = f"{least + secrets.randbelow(_TAILS - least):0{_TAIL}x}"
        return submission._replace(intent_id=submission.intent_id[:-_TAIL] + tail)

    def asked(
        self,
        how: str,
        sale_id: UUID,
        submission: Submission,
        outcome: Answer | Exception,
        *,
        began_ns: int,
        caller: str = "",
    ) -> None:
        """Write down the first stage: somebody asked, and this came of it. It links to the caller's span."""
        if not self.takes(submission.intent_id):
            return
        facts: dict[str, str | int] = {"intent.quantity": submission.quantity}
        error = type(outcome).__name__
        if isinstance(outcome, Answer):
            facts |= {"intent.outcome": str(outcome.code), **_ticket_of(outcome)}
            error = ""
        link = caller if self._follows_callers and _is_sampled(caller) else ""
        self._note(how, submission.intent_id, sale_id, began_ns, facts, caller=link, error=error)
        with self.logged([submission.intent_id]):
            named = {name.partition(".")[2]: value for name, value in facts.items()}
            log.info("intent_asked", sale_id=str(sale_id), **named, error=error or None)

    def lined_up(self, name: str, sale_id: UUID, answers: Iterable[Answer], began_ns: int) -> None:
        """Write down what was done with intents that came together: put into the line, or rung for."""
        for one in answers:
            if one.code == AnswerCode.ACCEPTED and self.takes(one.intent_id):
                self._note(name, one.intent_id, sale_id, began_ns, _ticket_of(one))

    def worked(
        self, name: str, sale_id: UUID, claim: Claim | None, began_ns: int, error: Exception | None = None
    ) -> bool:
        """Write down what a worker did with a claim; returns whether somebody in it is followed."""
        if not self.is_on or claim is None:
            return False
        found = False
        for one in claim.decisions:
            if self.takes(one.intent_id):
                found = True
                facts: dict[str, str | int] = {
                    "intent.ticket": one.ticket,
                    "intent.outcome": one.outcome,
                    "claim.id": claim.claim_id,
                    "claim.intents": len(claim.decisions),
                    **running_task(),
                }
                told = type(error).__name__ if error is not None else ""
                self._note(name, one.intent_id, sale_id, began_ns, facts, error=told)
        return found

    def told(self, intent: Message, sockets: int, began_ns: int) -> None:
        """Write down that a verdict was told to its owner's sockets."""
        if sockets and self.takes(intent["id"]):
            facts = {
                "intent.ticket": intent["ticket"] or 0,
                "intent.outcome": intent["status"],
                "sockets": sockets,
            }
            self._note(SOCKET, intent["id"], intent["sale_id"], began_ns, facts)

    def logged(self, intent_ids: Iterable[str]) -> AbstractContextManager[Any]:
        """Name the traces of these intents in the log lines that are written meanwhile."""
        if not self.is_on:
            return nullcontext()
        traces = [trace_of(one) for one in intent_ids if self.takes(one)][:_MOST_NAMED]
        if not traces:
            return nullcontext()
        told: dict[str, Any] = {"trace_id": traces[0]} if len(traces) == 1 else {"trace_ids": traces}
        return structlog.contextvars.bound_contextvars(**told)

    def _note(
        self,
        name: str,
        intent_id: str,
        sale_id: UUID | str,
        began_ns: int,
        facts: Mapping[str, str | int],
        *,
        caller: str = "",
        error: str = "",
    ) -> None:
        if self._export is not None:
            whole = {"sale.id": str(sale_id), "intent.id": intent_id, **facts}
            self._export(Stage(name, intent_id, began_ns, time.time_ns(), whole, caller, error))


def trace_of(intent_id: str) -> str:
    """Return the id of an intent's trace, as OpenTelemetry writes it."""
    return intent_id.replace("-", "")


def _least_tail(ratio: float) -> str:
    """The least end of an id that is followed; of very few, one is."""
    return f"{min(round((1 - ratio) * _TAILS), _TAILS - 1):0{_TAIL}x}"


def _is_sampled(caller: str) -> bool:
    return _SAMPLED_PARENT.fullmatch(caller) is not None


def _ticket_of(answer: Answer) -> dict[str, str | int]:
    return {"intent.ticket": answer.intent.ticket} if answer.intent is not None else {}


OFF: Final = Traces()
