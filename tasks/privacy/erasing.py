"""Erases accounts: asked for in one transaction, after which nobody can log in; done by a background task.

The task takes the account out of every line and gives its holds back, as a ban does, and waits until no money
of its is on the way. Then the ledger forgets name and address in one transaction, which enters a last mail;
the mails that still go to the address keep it until they are sent. Orders, verdicts and receipts stay, under
a pseudonym, so that tickets and sums hold.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.database import take_time
from models.driver import LONG
from models.enums import AdminAction, LinkKind, MailKind, MailStatus, SubjectKind
from models.errors import CannotErase, NotDone, NotFound
from models.queries.payments import has_money_under_way
from models.tables.accounts import User
from models.tables.background import BackgroundTask
from models.tables.mails import Mail
from tasks.accounts.links import drop_links
from tasks.accounts.log_ins import revoke_log_ins
from tasks.context import Context
from tasks.expulsion.expelling import ERASED, expel_shopper, is_clear
from tasks.mail.outbox import Reader, enter_letter
from tasks.privacy.forgetting import forget, forget_rows
from tasks.runtime.admin_log import Actor, record_action
from tasks.staff.members import take_out

ERASE: Final = "erase"

log: Final = structlog.get_logger()


def erase_account(context: Context, user_id: UUID, *, by: Actor) -> Sequence[UUID]:
    """Have an account erased; returns the log-ins that this ended. Asked again, it is erased once.

    Raises:
        NotFound: no such account, or it is erased.
        CannotErase: it is another's of the staff.
        LastOwner: it is the last owner's.
    """
    with context.database.transaction() as session:
        is_staff = _leave_staff(session, user_id, by)
        user = session.get(User, user_id, with_for_update=True, populate_existing=True)
        if user is None or user.erased_at is not None:
            raise NotFound("No account has this id.")
        if user.erasure_asked_at is not None:
            return []
        is_noted = by.user_id != user_id or is_staff
        record_action(session, by if is_noted else None, AdminAction.ERASED, SubjectKind.SHOPPER, user_id)
        user.erasure_asked_at = user.expel_at = func.now()
        user.password_hash = None
        ended = revoke_log_ins(session, user_id)
        drop_links(session, user_id, *LinkKind)
        task = BackgroundTask(kind=ERASE, subject_id=user_id, requested_by=by.user_id)
        session.add(task)
        session.flush()
        task_id = task.id
    context.bell.ring_for_task(task_id)
    return ended


def erase(context: Context, task: BackgroundTask) -> dict[str, Any]:
    """Do what is left of an erasure; returns how many places and holds were given up.

    Raises:
        NotFound: the task names nobody.
        NotDone: money is on the way, or a mail; it goes on by the next bell.
        Unavailable: a store is unavailable; it is run again.
    """
    if task.subject_id is None:
        raise NotFound("Nobody is named to be erased.")
    done = {"places": 0, "holds": 0} | (task.result or {})
    with context.database.transaction() as session:
        user = session.get(User, task.subject_id)
    if user is None:
        return done
    if user.erased_at is None:
        gone = expel_shopper(context, user.id, ERASED)
        done |= {name: done[name] + count for name, count in gone.items()}
        if not is_clear(context, user.id) or not _forget(context, user.id):
            raise NotDone(done)
        log.info("account_erased", account=str(user.id), **done)
    if not _forget_mails(context, user.id):
        raise NotDone(done)
    return done


def _leave_staff(session: Session, user_id: UUID, by: Actor) -> bool:
    """Take an account that asks for its own end out of the staff first; returns whether it was there."""
    user = session.get(User, user_id)
    if user is None or user.staff_role is None:
        return False
    if by.user_id != user_id:
        raise CannotErase("An account of the staff is erased by its owner, or once it has no role.")
    take_out(session, user_id, by=by)
    return True


def _forget(context: Context, user_id: UUID) -> bool:
    """Forget who it was, unless money is on the way; returns whether that is done."""
    with context.database.transaction() as session:
        take_time(session, LONG)
        user = session.get_one(User, user_id, with_for_update=True)
        if user.erased_at is not None:
            return True
        if has_money_under_way(session, user_id):
            return False
        reader = Reader(user_id, user.name, user.email, user.language, user.time_zone)
        enter_letter(session, MailKind.ERASED, reader, user_id)
        forget(session, user)
    return True


def _forget_mails(context: Context, user_id: UUID) -> bool:
    """Clear the mails that were sent to it; returns whether none is still to be sent."""
    with context.database.transaction() as session:
        waiting = (Mail.user_id == user_id, Mail.status == MailStatus.PENDING)
        if context.settings.mail is None:  # nobody would ever send them
            gone = {"status": MailStatus.GIVEN_UP, "given_up_at": func.now(), "due_at": None}
            session.execute(update(Mail).where(*waiting).values(gone))
        forget_rows(session, user_id)
        return session.scalar(select(Mail.id).where(*waiting).limit(1)) is None
