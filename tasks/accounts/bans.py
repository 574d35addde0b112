"""Bans shoppers: signed out everywhere, no log-in, out of every line, holds given up.

The ban and the log-outs are one transaction. A background task then takes the shopper out of lines and ends
their holds; it is run again until it is done. Web processes accept intents of the shopper until they hear of
the ban, and what was in flight may become a hold later: so sweeps look again, less and less often, until no
earlier token can be valid any more and nothing is left. What was paid is not touched.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import func, update

from models.enums import AdminAction, Role, SubjectKind
from models.errors import AlreadyDecided, CannotBan, NotFound
from models.queries.accounts import find_user, shoppers_to_expel
from models.queries.orders import paid_units_of_shopper
from models.queries.sales import running_sales
from models.tables.accounts import User
from models.tables.background import BackgroundTask
from tasks.accounts.log_ins import revoke_log_ins
from tasks.context import Context
from tasks.intents.submit import leave_line
from tasks.orders.holds import cancel_holds_of_shopper
from tasks.runtime.admin_log import Actor, record_action
from tasks.runtime.isolation import apart

EXPEL: Final = "expel"
AT_ONCE: Final = 100  # shoppers who are handled in one sweep
MARGIN: Final = timedelta(minutes=1)  # after the last token's end, for what was in flight
SHORTEST_PAUSE: Final = timedelta(seconds=1)  # before a shopper is handled again
RARER: Final = 4  # a pause is the ban's age divided by this

log: Final = structlog.get_logger()


def ban_shopper(context: Context, user_id: UUID, *, by: Actor, reason: str | None) -> Sequence[UUID]:
    """Ban a shopper; returns the log-ins that this ended. If banned already, only the reason changes.

    Raises:
        NotFound: no such account.
        CannotBan: it is an admin's.
        LedgerUnavailable: nothing was done.
    """
    with context.database.transaction() as session:
        user = session.get(User, user_id, with_for_update=True)
        if user is None:
            raise NotFound("No account has this id.")
        if user.role == Role.ADMIN:
            raise CannotBan("An admin cannot be banned.")
        user.banned_at = user.banned_at or func.now()
        user.ban_reason = reason
        user.expel_at = func.now()
        ended = revoke_log_ins(session, user_id)
        task = BackgroundTask(kind=EXPEL, subject_id=user_id, requested_by=by.user_id)
        session.add(task)
        record_action(session, by, AdminAction.BANNED, SubjectKind.SHOPPER, user_id, reason=reason)
        session.flush()
        task_id = task.id
    context.bell.ring_for_task(task_id)
    return ended


def unban_shopper(context: Context, user_id: UUID, *, by: Actor) -> None:
    """Let a shopper log in again; what the ban ended stays ended.

    Raises:
        NotFound: no such account.
        LedgerUnavailable: nothing was done.
    """
    with context.database.transaction() as session:
        user = session.get(User, user_id, with_for_update=True)
        if user is None:
            raise NotFound("No account has this id.")
        if user.banned_at is not None:
            user.banned_at, user.ban_reason, user.expel_at = None, None, None
            record_action(session, by, AdminAction.UNBANNED, SubjectKind.SHOPPER, user_id)


def expel(context: Context, task: BackgroundTask) -> dict[str, Any]:
    """Take a banned shopper out of every line and end their holds; returns how many of each.

    Raises:
        NotFound: the task names nobody.
        Unavailable: a store is unavailable; it is run again.
    """
    if task.subject_id is None:
        raise NotFound("Nobody is named to be expelled.")
    with context.database.transaction() as session:
        user = find_user(session, task.subject_id)
    is_banned = user is not None and user.banned_at is not None
    return _expel(context, task.subject_id) if is_banned else {"places": 0, "holds": 0}


def expel_again(context: Context) -> int:
    """Handle recently banned shoppers again; returns how many.

    A failure for one does not stop the others.

    Raises:
        LedgerUnavailable: it is not known who they are.
    """
    with context.database.transaction() as session:
        due = shoppers_to_expel(session, AT_ONCE)
    for user_id, seen, banned_at, now in due:
        with apart("expelling_hindered", user_id=str(user_id)):
            _expel(context, user_id)
            following = _following(context, user_id, banned_at, now)
            with context.database.transaction() as session:
                mine = (User.id == user_id, User.expel_at == seen)  # not banned or unbanned meanwhile
                session.execute(update(User).where(*mine).values(expel_at=following))
    return len(due)


def _following(context: Context, user_id: UUID, banned_at: datetime, began: datetime) -> datetime | None:
    """Return when to look again; None if every token had ended before, and nothing is left."""
    if not _is_clear(context, user_id):
        return began + SHORTEST_PAUSE
    age = began - banned_at
    if age >= timedelta(seconds=context.settings.access_token_s) + MARGIN:
        return None
    return began + max(age / RARER, SHORTEST_PAUSE)


def _expel(context: Context, user_id: UUID) -> dict[str, Any]:
    places = sum(_leave(context, sale_id, user_id) for sale_id in _running(context))
    return {"places": places, "holds": cancel_holds_of_shopper(context, user_id)}


def _is_clear(context: Context, user_id: UUID) -> bool:
    """Return whether all units of a shopper are paid ones: nothing is in flight."""
    with context.database.transaction() as session:
        kept = paid_units_of_shopper(session, user_id)
    running = _running(context)
    return all(context.live.units_of(one, str(user_id)) <= kept.get(one, 0) for one in running)


def _running(context: Context) -> Sequence[UUID]:
    with context.database.transaction() as session:
        return running_sales(session)


def _leave(context: Context, sale_id: UUID, user_id: UUID) -> int:
    standing = context.live.standing_of(sale_id, str(user_id))
    if standing is None:
        return 0
    try:
        leave_line(context, user_id, UUID(standing.intent.intent_id))
    except (NotFound, AlreadyDecided) as error:
        log.info("expelled_too_late", sale_id=str(sale_id), user_id=str(user_id), error=str(error))
        return 0
    return 1
