"""Bans shoppers: signed out everywhere, no log-in, out of every line, holds given up.

The ban and the log-outs are one transaction. A background task then expels the shopper; it is run again until
it is done, and sweeps look again: see `expelling`. What was paid is not touched.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import Session

from models.enums import AdminAction, Role, SubjectKind
from models.errors import CannotBan, NotFound
from models.queries.accounts import find_user
from models.tables.accounts import User
from models.tables.background import BackgroundTask
from tasks.accounts.log_ins import revoke_log_ins
from tasks.context import Context
from tasks.expulsion.expelling import BANNED, expel_shopper
from tasks.runtime.admin_log import Actor, record_action

EXPEL: Final = "expel"


def ban_shopper(context: Context, user_id: UUID, *, by: Actor, reason: str | None) -> Sequence[UUID]:
    """Ban a shopper; returns the log-ins that this ended. If banned already, only the reason changes.

    Raises:
        NotFound: no such account.
        CannotBan: it is an admin's.
    """
    with context.database.transaction() as session:
        user = _locked(session, user_id)
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
    """
    with context.database.transaction() as session:
        user = _locked(session, user_id)
        if user.banned_at is not None:
            user.banned_at, user.ban_reason = None, None
            user.expel_at = user.expel_at if user.erasure_asked_at else None
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
    if not is_banned:
        return {"places": 0, "holds": 0}
    return expel_shopper(context, task.subject_id, BANNED)


def _locked(session: Session, user_id: UUID) -> User:
    user = session.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound("No account has this id.")
    return user
