"""The daily purge: what is no longer to be kept goes, in slices that lock little, and it says how much.

How long things are kept is a setting each (`RETAIN_…_DAYS`; 0 keeps them for good). What carries a promise is
in no slice: orders, receipts, verdicts, the admins' log, and the terms that somebody accepted stay.
"""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

import structlog
from sqlalchemy import TextClause, text

from config import Retention
from models.database import take_time
from models.driver import LONG
from models.errors import NotDone
from models.tables.background import BackgroundTask
from tasks.context import Context
from tasks.sales.archive import archive_finished_sales

log: Final = structlog.get_logger()

PURGE: Final = "purge"
PUSHES_KEPT_DAYS: Final = 7  # after which none that told of the same thing can come
SLICE: Final = 1_000  # rows a transaction
WORKS_S: Final = 45.0  # less than after which a worker counts as dead; then it goes on by the next bell


class Step(NamedTuple):
    """One kind of rows, and the statement that removes a slice of those older than so many days."""

    name: str
    days: int
    removing: TextClause


# All slices are chosen once, by `ARRAY` or `WITH`: within `IN`, PostgreSQL may choose again for each row, and
# remove more than a slice.

# A user agent and a network stand in each. An ended log-in is no good, so that nobody waits for its row.
_LOG_INS: Final = text("""
    DELETE FROM token_families WHERE id = ANY (ARRAY(
        SELECT id FROM token_families
        WHERE expires_at < now() - make_interval(days => :days)
           OR revoked_at < now() - make_interval(days => :days)
        LIMIT :slice FOR UPDATE SKIP LOCKED))
""")

# Accounts that asked for nothing, with the letters to them.
_ACCOUNTS: Final = """
    WITH gone AS (
        SELECT u.id FROM users u
        WHERE u.email_verified_at IS NULL AND u.role = 'shopper' AND u.erased_at IS NULL
          AND u.erasure_asked_at IS NULL AND u.banned_at IS NULL
          AND u.created_at < now() - make_interval(days => :days)
          AND {}
          AND NOT EXISTS (SELECT FROM token_families WHERE user_id = u.id
                          AND revoked_at IS NULL AND expires_at > now())
          AND NOT EXISTS (SELECT FROM intents WHERE user_id = u.id)
          AND NOT EXISTS (SELECT FROM orders WHERE user_id = u.id)
          AND NOT EXISTS (SELECT FROM background_tasks WHERE requested_by = u.id)
          AND NOT EXISTS (SELECT FROM admin_log WHERE actor_id = u.id)
        ORDER BY u.created_at, u.id
        LIMIT :slice FOR UPDATE OF u SKIP LOCKED),
    letters AS (DELETE FROM mails USING gone WHERE mails.user_id = gone.id)
    DELETE FROM users USING gone WHERE users.id = gone.id
"""

# Only who was sent a letter to confirm the address could have done so; who is logged in may yet.
_UNVERIFIED: Final = text(
    _ACCOUNTS.format("EXISTS (SELECT FROM mails WHERE user_id = u.id AND kind = 'verify_email')")
)

# An account that an invitation made has no password before it is accepted, or asked for by its mailbox.
_INVITED: Final = text(
    _ACCOUNTS.format("""u.password_hash IS NULL
          AND u.id IN (SELECT subject_id FROM admin_log WHERE deed = 'invited' GROUP BY subject_id
                       HAVING max(at) < now() - make_interval(days => :days))
          AND NOT EXISTS (SELECT FROM account_links WHERE user_id = u.id
                          AND used_at IS NULL AND expires_at > now())""")
)

_LINKS: Final = text("""
    DELETE FROM account_links WHERE id = ANY (ARRAY(
        SELECT id FROM account_links WHERE expires_at < now() - make_interval(days => :days)
        LIMIT :slice FOR UPDATE SKIP LOCKED))
""")

_EXPORTS: Final = text("""
    DELETE FROM exports WHERE id = ANY (ARRAY(
        SELECT id FROM exports WHERE expires_at < now() - make_interval(days => :days)
        LIMIT :slice FOR UPDATE SKIP LOCKED))
""")

_MAILS: Final = text("""
    UPDATE mails SET to_name = '', to_email = '', contents = '{}', error = NULL WHERE id = ANY (ARRAY(
        SELECT id FROM mails
        WHERE to_email <> '' AND status <> 'pending' AND created_at < now() - make_interval(days => :days)
        ORDER BY created_at LIMIT :slice FOR UPDATE SKIP LOCKED))
""")

_PUSHES: Final = text("""
    DELETE FROM push_messages WHERE id = ANY (ARRAY(
        SELECT id FROM push_messages WHERE created_at < now() - make_interval(days => :days)
        ORDER BY created_at LIMIT :slice FOR UPDATE SKIP LOCKED))
""")

_WEBHOOKS: Final = text("""
    WITH old AS (
        SELECT provider, event_id FROM webhook_events
        WHERE received_at < now() - make_interval(days => :days)
        LIMIT :slice FOR UPDATE SKIP LOCKED)
    DELETE FROM webhook_events w USING old
    WHERE (w.provider, w.event_id) = (old.provider, old.event_id)
""")

_SANDBOX_EVENTS: Final = text("""
    DELETE FROM sandbox_events WHERE id = ANY (ARRAY(
        SELECT id FROM sandbox_events
        WHERE due_at IS NULL AND created_at < now() - make_interval(days => :days)
        ORDER BY id LIMIT :slice FOR UPDATE SKIP LOCKED))
""")

_TASKS: Final = text("""
    DELETE FROM background_tasks WHERE id = ANY (ARRAY(
        SELECT id FROM background_tasks
        WHERE finished_at IS NOT NULL AND submitted_at < now() - make_interval(days => :days)
        ORDER BY submitted_at LIMIT :slice FOR UPDATE SKIP LOCKED))
""")

# A count is the sum of its parts; one that somebody counts into at the moment stays a part of its own.
_TALLIES: Final = text("""
    WITH parts AS (
        SELECT id, name, labels, count, total_ms FROM tallies FOR UPDATE SKIP LOCKED),
    kept AS (
        SELECT name, labels, min(id) AS id, sum(count) AS count, sum(total_ms) AS total_ms
        FROM parts GROUP BY name, labels HAVING count(*) > 1),
    grown AS (
        UPDATE tallies t SET count = kept.count, total_ms = kept.total_ms FROM kept WHERE t.id = kept.id)
    DELETE FROM tallies t USING parts, kept
    WHERE t.id = parts.id AND t.id <> kept.id AND (parts.name, parts.labels) = (kept.name, kept.labels)
""")


def purge(context: Context, task: BackgroundTask) -> dict[str, int]:
    """Remove what is older than the settings say; returns how many of each kind, this and earlier times.

    Raises:
        NotDone: its time is over and there is more.
        Unavailable: a store is unavailable; it is run again.
    """
    done = Counter[str](task.result or {})
    ends_at = time.monotonic() + WORKS_S
    for step in steps(context.settings.retention):
        while removed := _remove(context, step):
            done[step.name] += removed
            if time.monotonic() >= ends_at:
                raise NotDone(dict(done))
    done["past_sales"] += archive_finished_sales(context)
    if context.journal is not None:
        done["journal"] += context.journal.purge(context.settings.journal_kept_hours)
    log.info("purged", **done)
    return dict(done)


def drop_exports(context: Context) -> int:
    """Remove copies of personal data whose day is over, without waiting for the next purge."""
    return _remove(context, Step("exports", 0, _EXPORTS))


def steps(retention: Retention) -> list[Step]:
    """List what is removed, in which order; what is kept for good is not in it."""
    kept: Mapping[str, tuple[int, TextClause]] = {
        "log_ins": (retention.log_ins_days, _LOG_INS),
        "unverified": (retention.unverified_days, _UNVERIFIED),
        "invited": (retention.invited_days, _INVITED),
        "mails": (retention.mails_days, _MAILS),
        "webhooks": (retention.webhooks_days, _WEBHOOKS),
        "sandbox_events": (retention.webhooks_days, _SANDBOX_EVENTS),
        "tasks": (retention.tasks_days, _TASKS),
    }
    settled = [Step(name, days, removing) for name, (days, removing) in kept.items() if days > 0]
    always = [
        Step("links", 0, _LINKS),
        Step("exports", 0, _EXPORTS),
        Step("pushes", PUSHES_KEPT_DAYS, _PUSHES),
        Step("tallies", 0, _TALLIES),
    ]
    return [*always, *settled]


def _remove(context: Context, step: Step) -> int:
    with context.database.transaction() as session:
        take_time(session, LONG)
        gone = session.execute(step.removing, {"days": step.days, "slice": SLICE})
        return int(gone.rowcount)  # type: ignore[attr-defined]
