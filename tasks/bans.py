"""Owns the banning of shoppers: signed out everywhere, no log-in, out of every line, holds given up.

The ban and the log-outs are one transaction. What a shopper has in lines and holds ends in a background task,
which is driven again until it is done. What was paid is not touched.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import func, select, update

from models.accounts import TokenFamily, User
from models.background import BackgroundTask
from models.catalogue import Sale
from models.errors import AlreadyDecided, CannotBan, NotFound
from models.vocabulary import Deed, Role, SubjectKind
from tasks.admin_log import Actor, note_deed
from tasks.context import Context
from tasks.holds import cancel_holds_of_shopper
from tasks.intents import leave_line

EXPEL: Final = "expel"

log: Final = structlog.get_logger()


def ban_shopper(context: Context, user_id: UUID, *, by: Actor, reason: str | None) -> Sequence[UUID]:
    """Ban a shopper; returns the log-ins that this ended. Banned already: only the reason changes.

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
        ended = session.scalars(
            update(TokenFamily)
            .where(TokenFamily.user_id == user_id, TokenFamily.revoked_at.is_(None))
            .values(revoked_at=func.now())
            .returning(TokenFamily.id)
        ).all()
        task = BackgroundTask(kind=EXPEL, subject_id=user_id, requested_by=by.user_id)
        session.add(task)
        note_deed(session, by, Deed.BANNED, SubjectKind.SHOPPER, user_id, reason=reason)
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
            user.banned_at, user.ban_reason = None, None
            note_deed(session, by, Deed.UNBANNED, SubjectKind.SHOPPER, user_id)


def expel(context: Context, task: BackgroundTask) -> dict[str, Any]:
    """Take a banned shopper out of every line and end his holds; says how many of each.

    Raises:
        NotFound: the task names nobody.
        Unavailable: a store is away; it is driven again.
    """
    if task.subject_id is None:
        raise NotFound("Nobody is named to be expelled.")
    places = sum(_leave(context, sale_id, task.subject_id) for sale_id in _running(context))
    return {"places": places, "holds": cancel_holds_of_shopper(context, task.subject_id)}


def _running(context: Context) -> Sequence[UUID]:
    with context.database.transaction() as session:
        return session.scalars(select(Sale.id).where(Sale.drained_at.is_(None))).all()


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
