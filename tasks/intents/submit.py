"""What shoppers do with intents, for HTTP and sockets alike: submit, find, list, leave."""

import time
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from models.enums import UNSTORED
from models.errors import (
    AlreadyDecided,
    AlreadyInLine,
    CameTooOften,
    Fenced,
    FlashSaleError,
    IdempotencyKeyReused,
    LimitReached,
    NotFound,
    SaleNotOpen,
    SaleOver,
    Unavailable,
)
from models.ids import sale_number_of, write_new_intent_id
from models.live.records import Answer, AnswerCode, Found, LiveIntent, Submission
from models.messages import Message, answered_intent, pack_told, stored_intent, undecided_intent
from models.queries import intents
from tasks.context import Context
from tasks.intake.sale_cache import SaleRef
from tasks.intents.finding import find_intents, sale_ref_of, stored_intents
from tasks.tracing.traces import POST

LINE_PAGE: Final = 1_000  # intents of the line that are looked at in one step, if only some are asked for

_REFUSALS: Final[dict[AnswerCode, type[FlashSaleError]]] = {
    AnswerCode.KEY_REUSED: IdempotencyKeyReused,
    AnswerCode.LIMIT_REACHED: LimitReached,
    AnswerCode.NOT_OPEN: SaleNotOpen,
    AnswerCode.OVER: SaleOver,
}


def submit_intent(
    context: Context,
    user_id: UUID,
    sale_id: UUID,
    *,
    quantity: int = 1,
    accept_fewer: bool = False,
    key: str = "",
    caller: str = "",
) -> Message:
    """Put an intent into a sale's line. The same key with the same request gives the same intent again.

    `caller`: the `traceparent` with which it came.

    Raises:
        NoSuchSale, SaleNotOpen, SaleOver, LimitReached, IdempotencyKeyReused: as named.
        AlreadyInLine: with the intent that is there.
        CameTooOften: with how long to wait.
        LineUnavailable: it certainly does not stand in line.
    """
    sale_ref = context.sale_cache.by_id(sale_id)
    submission = write_submission(sale_ref, str(user_id), quantity, accept_fewer, key)
    ask = _ask_traced if context.traces.is_on else _ask
    return conclude(context, sale_ref, *ask(context, sale_id, submission, caller))


def _ask(context: Context, sale_id: UUID, submission: Submission, _caller: str) -> tuple[Submission, Answer]:
    return submission, context.intake.submit(sale_id, submission)


def _ask_traced(
    context: Context, sale_id: UUID, submission: Submission, caller: str
) -> tuple[Submission, Answer]:
    """Do the same, and write down the first stage of an intent that is followed."""
    began_ns = time.time_ns()
    submission = context.traces.let_follow(submission, caller)
    try:
        answer = context.intake.submit(sale_id, submission)
    except FlashSaleError as error:
        context.traces.asked(POST, sale_id, submission, error, began_ns=began_ns, caller=caller)
        raise
    context.traces.asked(POST, sale_id, submission, answer, began_ns=began_ns, caller=caller)
    return submission, answer


def write_submission(
    sale_ref: SaleRef, user_id: str, quantity: int, accept_fewer: bool, key: str
) -> Submission:
    """Create the submission of a shopper's request, under a new id."""
    body_hash = f"{quantity}:{int(accept_fewer)}" if key else ""
    return Submission(write_new_intent_id(sale_ref.number), user_id, quantity, accept_fewer, key, body_hash)


def is_plain(answer: Answer) -> bool:
    """Return whether `conclude` needs no store to understand an answer."""
    return answer.code in (AnswerCode.ACCEPTED, AnswerCode.TOO_SOON) or answer.code in _REFUSALS


def conclude(context: Context, sale_ref: SaleRef, submission: Submission, answer: Answer) -> Message:
    """Turn the line's answer into the intent's message; raises what `submit_intent` does."""
    if answer.code == AnswerCode.REPLAYED:
        try:
            return _shown(context, sale_ref, answer)
        except NotFound:  # a rebuild dropped the key's intent
            context.live.forget_key(sale_ref.sale_id, submission.user_id, submission.key)
            answer = context.intake.submit(sale_ref.sale_id, submission)
    if answer.code in (AnswerCode.ACCEPTED, AnswerCode.REPLAYED):
        return _shown(context, sale_ref, answer)
    if answer.code == AnswerCode.IN_LINE:
        raise AlreadyInLine(_shown(context, sale_ref, answer))
    if answer.code == AnswerCode.TOO_SOON:
        raise CameTooOften(answer.wait_ms)
    raise _REFUSALS[answer.code]


def find_intent(context: Context, intent_id: UUID) -> tuple[Message, UUID]:
    """Find an intent wherever it is; returns it with its owner's id.

    Raises:
        NotFound: there is none.
        LineUnavailable: only the line knows.
    """
    (found,) = find_intents(context, sale_number_of(intent_id), [intent_id])
    if isinstance(found, Exception):
        raise found
    return found.message, found.owner


def leave_line(context: Context, user_id: UUID, intent_id: UUID) -> Message:
    """Give up a place in line; idempotent.

    Raises:
        NotFound: no such intent of this shopper.
        AlreadyDecided: it has its verdict.
    """
    sale_ref = sale_ref_of(context, sale_number_of(intent_id))
    try:
        left, ring = _leave(context, sale_ref, str(intent_id), str(user_id))
    except NotFound:
        stored = stored_intents(context, [intent_id]).get(intent_id)
        if stored is None or stored.owner != user_id:
            raise
        if stored.message["status"] == "left":
            return stored.message
        raise AlreadyDecided("This intent is already decided.") from None
    message = undecided_intent(Found(left, 0, 0, 0, ""), sale_ref.sale_id)
    if ring:
        context.bell.ring(sale_ref.sale_id)
    context.live.tell(sale_ref.sale_id, pack_told([(str(user_id), message, None)]))
    return message


def list_of_sale(
    context: Context,
    sale_id: UUID,
    *,
    user_id: UUID | None,
    before: int,
    limit: int,
    statuses: Sequence[str] | None = None,
) -> list[Message]:
    """List a sale's intents, newest ticket first: those in line, then those decided. `user_id`: only theirs.

    `statuses`: only intents of these.

    Raises:
        NoSuchSale: there is none.
    """
    context.sale_cache.by_id(sale_id)
    if statuses is None:
        in_line = _undecided(context, sale_id, user_id, before, limit)
        below = (in_line[-1]["ticket"] if in_line else None) or before
    else:
        in_line, below = _narrowed_line(context, sale_id, statuses, before, limit)
    if len(in_line) >= limit or (statuses is not None and UNSTORED.issuperset(statuses)):
        return in_line[:limit]
    with context.database.transaction() as session:
        rows = intents.intents_of_sale(
            session,
            sale_id,
            user_id=user_id,
            before=below,
            limit=limit - len(in_line),
            statuses=statuses,
        )
    return in_line + [stored_intent(row) for row in rows]


def departed_of_sale(
    context: Context, sale_id: UUID, *, user_id: UUID | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[Message]:
    """List the intents that left a sale's lobby, newest first, below `before` (submitted_at, id)."""
    with context.database.transaction() as session:
        rows = intents.departed_of_sale(session, sale_id, user_id=user_id, before=before, limit=limit)
    return [stored_intent(row) for row in rows]


def _undecided(
    context: Context, sale_id: UUID, user_id: UUID | None, before: int, limit: int
) -> list[Message]:
    if user_id is None:
        return _page_of_line(context, sale_id, before, limit)
    return _standing(context, sale_id, user_id, before)


def _page_of_line(context: Context, sale_id: UUID, before: int, limit: int) -> list[Message]:
    page = context.live.page(sale_id, before=before, limit=limit)
    return [
        undecided_intent(Found(one, 0, page.now_serving, page.pace_milli, page.status), sale_id)
        for one in page.intents
        if not before or one.ticket < before
    ]


def _narrowed_line(
    context: Context, sale_id: UUID, statuses: Collection[str], before: int, limit: int
) -> tuple[list[Message], int]:
    """Look for so many of these statuses through the line; returns them, and the last ticket looked at."""
    found: list[Message] = []
    while len(found) < limit and (page := _page_of_line(context, sale_id, before, LINE_PAGE)):
        found += [one for one in page if one["status"] in statuses]
        before = page[-1]["ticket"]
    return found, before


def _standing(context: Context, sale_id: UUID, user_id: UUID, before: int) -> list[Message]:
    found = context.live.standing_of(sale_id, str(user_id))
    if found is None or found.standby_place > 0:
        return []  # standby intents are in the ledger too
    if before and not 0 < found.intent.ticket < before:
        return []
    return [undecided_intent(found, sale_id)]


def _shown(context: Context, sale_ref: SaleRef, answer: Answer) -> Message:
    if answer.code == AnswerCode.ACCEPTED and answer.intent is not None:
        return answered_intent(answer, sale_ref.sale_id)
    try:
        return find_intent(context, UUID(answer.intent_id))[0]
    except Unavailable:
        if answer.intent is None:
            raise
        return answered_intent(
            answer, sale_ref.sale_id
        )  # it stood in line a moment ago, so it was not refused


def _leave(context: Context, sale_ref: SaleRef, intent_id: str, user_id: str) -> tuple[LiveIntent, bool]:
    """Leave under the cached epoch; reads a new one from the ledger once if that is refused."""
    try:
        return _leave_under(context, sale_ref, intent_id, user_id)
    except Fenced:
        context.sale_cache.forget(sale_ref.sale_id)
        return _leave_under(context, context.sale_cache.by_id(sale_ref.sale_id), intent_id, user_id)


def _leave_under(
    context: Context, sale_ref: SaleRef, intent_id: str, user_id: str
) -> tuple[LiveIntent, bool]:
    if sale_ref.is_past:
        raise NotFound("Nobody stands in this sale's line any more.")
    left = context.live.leave(sale_ref.sale_id, sale_ref.epoch, intent_id, user_id)
    if context.journal is not None:
        context.journal.note_left(left[0])
    return left
