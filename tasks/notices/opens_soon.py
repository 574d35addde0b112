"""Tells who follows a sale that it opens soon: thousands a statement, each once a beginning.

A slice of followers is noted as told in the statement that enters what they are told, so that any number of
processes share the work, and one that dies tells nobody twice and forgets nobody. Who was told of a beginning
and then of another one is told of no third, however often the sale is moved.
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from sqlalchemy import text

from models.enums import MailKind
from models.messages import rfc3339
from models.queries.notices.follows import Opening, openings_to_tell
from tasks.context import Context
from tasks.mail.outbox import DOMAIN, LANGUAGE, TIME_ZONE, status_of_new
from tasks.push.outbox import ARE_ON
from tasks.runtime.tallies import MAILS, Counts

AT_ONCE: Final = 1_000  # followers
SLICE_S: Final = 2.0  # after which the rest is left to the next watch, some seconds later
MOST_TELLINGS: Final = 2
_FIRST: Final = UUID(int=0)

log: Final = structlog.get_logger()

# The sale is looked at again by the statement: it may have been moved, opened or cancelled meanwhile.
_TELL: Final = text("""
    WITH unaware AS MATERIALIZED (
        SELECT f.user_id FROM sale_follows f
        WHERE f.sale_id = :sale_id AND f.user_id > :after AND f.told_opening IS DISTINCT FROM :begins_at
            AND EXISTS (SELECT FROM sales s WHERE s.id = :sale_id AND s.status = 'scheduled'
                        AND s.opens_at = :opens_at AND coalesce(s.lobby_opens_at, s.opens_at) = :begins_at)
        ORDER BY f.user_id LIMIT :at_once FOR UPDATE SKIP LOCKED
    ), told AS (
        UPDATE sale_follows f SET told_opening = :begins_at, tellings = least(f.tellings + 1, :most + 1)
        FROM unaware WHERE f.sale_id = :sale_id AND f.user_id = unaware.user_id
        RETURNING f.user_id, f.tellings
    ), reached AS (
        SELECT u.*, told.tellings FROM told JOIN users u ON u.id = told.user_id
        WHERE told.tellings <= :most AND u.banned_at IS NULL
            AND u.erased_at IS NULL AND u.erasure_asked_at IS NULL
    ), mailed AS (
        INSERT INTO mails (id, kind, user_id, to_name, to_email, language, time_zone, contents,
                           message_id, status, due_at)
        SELECT gen_random_uuid(), 'opens_soon', r.id, r.name, r.email, coalesce(r.language, :language),
               coalesce(r.time_zone, :time_zone), CAST(:contents AS jsonb),
               format('<opens_soon.%s.%s.%s@%s>', CAST(:sale_name AS text), r.id, r.tellings,
                      CAST(:domain AS text)),
               CAST(:status AS text), CASE WHEN :status = 'pending' THEN clock_timestamp() END
        FROM reached r
        WHERE CAST(:domain AS text) IS NOT NULL AND coalesce((r.mail_choices ->> 'opens_soon')::boolean, true)
        ON CONFLICT (message_id) DO NOTHING
        RETURNING id
    ), pushed AS (
        INSERT INTO push_messages (id, subscription_id, kind, name, contents, language, due_at, expires_at)
        SELECT gen_random_uuid(), s.id, 'opens_soon', format('%s.%s', CAST(:sale_name AS text), r.tellings),
               CAST(:pushed AS jsonb), coalesce(r.language, :language), clock_timestamp(), :opens_at
        FROM reached r JOIN push_subscriptions s ON s.user_id = r.id
        LEFT JOIN token_families l ON l.id = s.family_id
        WHERE :pushes AND (s.family_id IS NULL OR (l.revoked_at IS NULL AND l.expires_at > now()))
        ON CONFLICT (subscription_id, kind, name) DO NOTHING
    )
    SELECT (SELECT count(*) FROM told) AS told, (SELECT count(*) FROM mailed) AS mailed,
           (SELECT user_id FROM unaware ORDER BY user_id DESC LIMIT 1) AS last
""")


def tell_of_openings(context: Context, *, slice_s: float = SLICE_S) -> int:
    """Tell followers of the sales that open soon, for a limited time; returns how many were noted as told.

    Nobody is noted while nothing can be told: that is so without mail and without keys to push by.
    """
    if not context.settings.can_tell:
        return 0
    until = time.monotonic() + slice_s
    return sum(_tell_of(context, opening, until) for opening in openings_to_tell_of(context))


def openings_to_tell_of(context: Context) -> Sequence[Opening]:
    """List the sales that open soon and have followers who do not know."""
    with context.database.transaction() as session:
        return openings_to_tell(session, timedelta(minutes=context.settings.opens_soon_minutes))


def tell_slice(context: Context, opening: Opening, after: UUID) -> tuple[int, UUID | None]:
    """Tell the next followers in the order of their ids; returns how many, and the last of them."""
    with context.database.transaction() as session:
        told_by = {
            "domain": session.info.get(DOMAIN),
            "status": status_of_new(session),
            "pushes": ARE_ON in session.info,
        }
        values = _values(opening) | told_by | {"after": after}
        row = session.execute(_TELL, values).one()
        counts = Counts()
        counts.add(MAILS, MailKind.OPENS_SOON, "entered", times=row.mailed)
        counts.write(session)
    return row.told, row.last


def _tell_of(context: Context, opening: Opening, until: float) -> int:
    told, after = 0, _FIRST
    while time.monotonic() < until:
        slice_told, last = tell_slice(context, opening, after)
        if last is None:
            break
        told, after = told + slice_told, last
    if told:
        log.info("followers_told", sale_id=str(opening.sale_id), followers=told)
    return told


def _values(opening: Opening) -> dict[str, Any]:
    contents = {
        "sale": str(opening.sale_id),
        "item": opening.item,
        "opens_at": rfc3339(opening.opens_at),
        "lobby_opens_at": rfc3339(opening.lobby_opens_at) if opening.lobby_opens_at else "",
    }
    return {
        "sale_id": opening.sale_id,
        "sale_name": str(opening.sale_id),
        "begins_at": opening.begins_at,
        "opens_at": opening.opens_at,
        "contents": orjson.dumps(contents).decode(),
        "pushed": orjson.dumps({"item": opening.item, "page": f"/sales/{opening.sale_id}"}).decode(),
        "language": LANGUAGE,
        "time_zone": TIME_ZONE,
        "at_once": AT_ONCE,
        "most": MOST_TELLINGS,
    }
