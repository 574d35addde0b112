"""Tells who did not hear of a verdict, and whose hold ends soon, by mail and by push.

A claim's transaction writes a few notices, each of hundreds of intents. Web processes note in Redis, once a
second, whom a socket told. Some seconds later the notices are taken up under a lease: who has a hold by then
that no socket told them of is sent a mail and a push, set-based, and the notice goes in the same transaction.
Any number of processes do so; mails and pushes have unique names, so that nobody gets two, and a lease that
was lost is had again.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Connection, delete, text
from sqlalchemy.orm import Session

from models import leases
from models.enums import IntentStatus, MailKind
from models.live.records import Claim, Decision
from models.messages import at_ms
from models.queries.notices.verdicts import holds_to_tell, lost_draws
from models.tables.notices.verdicts import VerdictNotice
from tasks.context import Context
from tasks.mail.outbox import Letter, enter_letters
from tasks.notices.orders import tell_of_holds
from tasks.push.outbox import Notice, tell_by_push
from tasks.runtime.failpoints import failpoint

HEARD_AFTER: Final = timedelta(seconds=5)  # a shopper who watches has heard of a verdict by then
LEASE: Final = timedelta(seconds=30)
AT_ONCE: Final = 4  # notices, each of a claim
LAST_SHARE: Final = 4  # a hold ends soon in the last quarter of its time
SHORTEST: Final = timedelta(minutes=2)  # of a hold that is told to end soon

log: Final = structlog.get_logger()

_NOTE: Final = text("""
    INSERT INTO verdict_notices (id, kind, sale_id, intent_ids, due_at)
    SELECT gen_random_uuid(), t.kind, s.id, CAST(t.ids AS uuid[]), coalesce(t.due_at, now() + :heard_after)
    FROM sales s, (VALUES ('hold_begun', :held, NULL), ('hold_ends', :ending, CAST(:ends_at AS timestamptz)),
                          ('draw_result', :lost, NULL)) AS t (kind, ids, due_at)
    WHERE s.id = :sale_id AND t.ids <> '{}' AND (t.kind <> 'draw_result' OR s.admission_order = 'draw')
""")


def note_verdicts_to_tell(
    connection: Connection, sale_id: UUID, claim: Claim, stored: Sequence[Decision]
) -> None:
    """Note, in the transaction of a claim, whose verdicts are to be told if nobody hears them."""
    held = _ids(one for one in stored if one.is_held)
    lost = _ids(one for one in stored if one.outcome == IntentStatus.SOLD_OUT)
    if held == lost == "{}":
        return
    ends_at, lasts = at_ms(claim.hold_until_ms), at_ms(claim.hold_until_ms) - at_ms(claim.decided_ms)
    values = {
        "sale_id": sale_id,
        "heard_after": HEARD_AFTER,
        "held": held,
        "ending": held if lasts >= SHORTEST else "{}",
        "ends_at": ends_at - lasts / LAST_SHARE,
        "lost": lost,
    }
    connection.execute(_NOTE, values)


def has_due_notices(context: Context) -> bool:
    """Return whether a notice is due; reads the beginning of an index."""
    with context.database.transaction() as session:
        return leases.has_due(session, VerdictNotice)


def tell_due(context: Context) -> int:
    """Enter the mails and pushes of all notices that are due; returns how many mails.

    Raises:
        LedgerUnavailable, LineUnavailable: a store is away; what was taken up is due again after its lease.
    """
    told = 0
    while notices := _take_up(context):
        told += sum(_tell(context, notice) for notice in notices)
    if told:
        log.info("absent_told", mails=told)
    return told


def _take_up(context: Context) -> Sequence[VerdictNotice]:
    taking, _ = leases.take_up(VerdictNotice, AT_ONCE, LEASE, {"attempts": VerdictNotice.attempts + 1})
    with context.database.transaction() as session:
        return session.scalars(taking.returning(VerdictNotice)).all()


def _tell(context: Context, notice: VerdictNotice) -> int:
    """Enter the mails and pushes of one notice, which goes with that."""
    failpoint("notice_taken_up")
    intent_ids = notice.intent_ids
    if notice.kind != MailKind.HOLD_ENDS:
        heard = context.live.heard.of(notice.sale_id, [str(one) for one in intent_ids])
        intent_ids = [one for one in intent_ids if str(one) not in heard]
    with context.database.transaction() as session:
        told = _enter(session, MailKind(notice.kind), intent_ids, context.settings.secret_key)
        session.execute(delete(VerdictNotice).where(VerdictNotice.id == notice.id))
        failpoint("absent_told")
    return told


def _enter(session: Session, kind: MailKind, intent_ids: Sequence[UUID], secret_key: str) -> int:
    if not intent_ids:
        return 0
    if kind == MailKind.DRAW_RESULT:
        lost = lost_draws(session, intent_ids)
        pushed = [Notice(row.user_id, row.id, row.item, f"/sales/{row.sale_id}") for row in lost]
        tell_by_push(session, kind, pushed)
        mailed = [Letter(row.user_id, row.id, {"item": row.item, "sale": str(row.sale_id)}) for row in lost]
        return len(enter_letters(session, kind, mailed))
    rows = holds_to_tell(session, intent_ids)
    pushed = [Notice(row.user_id, row.id, row.item, f"/sales/{row.sale_id}", row.expires_at) for row in rows]
    tell_by_push(session, kind, pushed)
    return tell_of_holds(session, kind, rows, secret_key)


def _ids(decisions: Any) -> str:
    """Write ids as an array of PostgreSQL's, as `models.ledger` does."""
    return "{" + ",".join(one.intent_id for one in decisions) + "}"
