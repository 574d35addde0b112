"""Copies of all that is held about an account: asked for, made by a background task, kept for a day.

What is about the account is found by the tables themselves (`rows_about`), so that a table that is added
later is told of as well. No secret is in a copy, and nobody else: of staff who acted not even an id.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Column, LargeBinary, Table, func
from sqlalchemy.dialects.postgresql import insert

from models.database import take_time
from models.driver import LONG
from models.errors import NotFound, TooManyCopies
from models.queries.background_tasks import waiting_task_about
from models.queries.orders import items_of
from models.queries.privacy import export_of_account, exports_asked_lately, rows_about
from models.queries.sales import running_sales
from models.tables.accounts import User
from models.tables.background import BackgroundTask
from models.tables.privacy import Export
from tasks.context import Context

EXPORT: Final = "export"
KEPT: Final = timedelta(days=1)
MOST_A_DAY: Final = 3

_SECRETS: Final = frozenset({"newest_jti", "totp_last_step", "auth", "endpoint", "p256dh"})
_ENDINGS: Final = ("_hash", "_secret", "digest")  # of the names of columns that hold secrets
_UNTOLD: Final = frozenset({"exports", "sandbox_charges", "sandbox_events"})
_ONLY_HEADERS: Final = {"mails": frozenset({"contents", "error"})}
_CALLED: Final = {
    "users": "account",
    "token_families": "log_ins",
    "account_links": "mailed_links",
    "admin_log": "done_by_staff",
    "background_tasks": "tasks",
    "intent_journal": "intents_as_accepted",
}


def find_export(context: Context, user_id: UUID) -> Export | BackgroundTask:
    """Find the newest copy that is kept for an account; without one, the task that makes it, asked for now.

    Raises:
        TooManyCopies: there were as many today as there may be.
        NotFound: there is no such account.
    """
    with context.database.transaction() as session:
        kept = export_of_account(session, user_id)
        asked = waiting_task_about(session, EXPORT, user_id)
    return asked or kept or ask_for_export(context, user_id)


def ask_for_export(context: Context, user_id: UUID) -> BackgroundTask:
    """Have a new copy made, one at a time; returns its task.

    Raises: as `find_export` does.
    """
    with context.database.transaction() as session:
        user = session.get(User, user_id, with_for_update=True)  # one request after the other
        if user is None or user.erasure_asked_at is not None:
            raise NotFound("No account has this id.")
        if (waiting := waiting_task_about(session, EXPORT, user_id)) is not None:
            return waiting
        times, wait_s = exports_asked_lately(session, EXPORT, user_id, KEPT)
        if times >= MOST_A_DAY:
            raise TooManyCopies(wait_s)
        task = BackgroundTask(id=uuid4(), kind=EXPORT, subject_id=user_id, requested_by=user_id)
        session.add(task)
        session.flush()
        session.refresh(task)
    context.bell.ring_for_task(task.id)
    return task


def export(context: Context, task: BackgroundTask) -> dict[str, Any]:
    """Make the copy of all that is held about a task's account; the result says how much it is.

    Raises:
        NotFound: the account is gone.
        Unavailable: a store is unavailable; it is run again.
    """
    if task.subject_id is None:
        raise NotFound("A copy is of somebody.")
    content = orjson.dumps(collect(context, task.subject_id), option=orjson.OPT_INDENT_2)
    with context.database.transaction() as session:
        user = session.get(User, task.subject_id, with_for_update={"read": True})
        if user is None or user.erasure_asked_at is not None:
            raise NotFound("The account is gone.")
        kept = {"content": content, "made_at": func.now(), "expires_at": func.now() + KEPT}
        keeping = insert(Export).values(id=task.id, user_id=user.id, **kept)
        session.execute(keeping.on_conflict_do_update(index_elements=[Export.id], set_=kept))
    return {"bytes": len(content)}


def collect(context: Context, user_id: UUID) -> dict[str, Any]:
    """Read everything that is held about an account, at one instant of the ledger, and its places in line."""
    with context.database.transaction() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        take_time(session, LONG)
        found = rows_about(session, user_id, is_told=_is_told)
        told: dict[str, Any] = {"made_at": datetime.now(UTC)}
        told |= {_CALLED.get(name, name): rows for name, rows in found.items()}
        bought = {row["sale_id"] for name in ("intents", "orders") for row in told.get(name, ())}
        told["sales"] = [{"id": one, "item": item} for one, item in items_of(session, bought).items()]
        running = running_sales(session)
    told["places_in_line"] = list(_places(context, running, user_id))
    return told


def _is_told(table: Table, column: Column[Any]) -> bool:
    """Whether a column is part of a copy: no secret, and of mails the headers."""
    if table.name in _UNTOLD or column.name in _ONLY_HEADERS.get(table.name, ()):
        return False
    is_secret = column.name in _SECRETS or column.name.endswith(_ENDINGS)
    return not is_secret and not isinstance(column.type, LargeBinary)


def _places(context: Context, running: Sequence[UUID], user_id: UUID) -> Iterator[dict[str, Any]]:
    """The undecided intents, which stand in line and not in the ledger."""
    for sale_id in running:
        standing = context.live.standing_of(sale_id, str(user_id))
        if standing is not None:
            intent = standing.intent
            yield {
                "sale_id": sale_id,
                "intent_id": intent.intent_id,
                "ticket": intent.ticket,
                "quantity": intent.quantity,
            }
