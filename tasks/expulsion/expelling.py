"""Expels shoppers who may not buy any more, banned or to be erased: out of every line, and holds given up.

Web processes accept intents of theirs until they hear that their log-ins have ended, and what was in flight
may become a hold later: so sweeps look again, less and less often, until no earlier token can be valid any
more and nothing is left. What was paid is not touched.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import update

from models.errors import AlreadyDecided, NotFound
from models.queries.accounts import shoppers_to_expel
from models.queries.orders import paid_units_of_shopper
from models.queries.sales import running_sales
from models.tables.accounts import User
from tasks.context import Context
from tasks.intents.submit import leave_line
from tasks.orders.holds import cancel_holds_of_shopper
from tasks.runtime.isolation import apart

BANNED: Final = "shopper_banned"  # why holds end
ERASED: Final = "account_erased"
AT_ONCE: Final = 100  # shoppers who are handled in one sweep
MARGIN: Final = timedelta(minutes=1)  # after the last token's end, for what was in flight
SHORTEST_PAUSE: Final = timedelta(seconds=1)  # before a shopper is handled again
RARER: Final = 4  # a pause is the time since the ban divided by this

log: Final = structlog.get_logger()


def expel_shopper(context: Context, user_id: UUID, reason: str) -> dict[str, int]:
    """Take a shopper out of every line and end their holds; returns how many of each."""
    places = sum(_leave(context, sale_id, user_id) for sale_id in _running(context))
    return {"places": places, "holds": cancel_holds_of_shopper(context, user_id, reason)}


def is_clear(context: Context, user_id: UUID) -> bool:
    """Return whether all units of a shopper are paid ones: nothing is in flight."""
    with context.database.transaction() as session:
        kept = paid_units_of_shopper(session, user_id)
    running = _running(context)
    return all(context.live.units_of(one, str(user_id)) <= kept.get(one, 0) for one in running)


def expel_again(context: Context) -> int:
    """Handle recently expelled shoppers again; returns how many.

    A failure for one does not stop the others.
    """
    with context.database.transaction() as session:
        due = shoppers_to_expel(session, AT_ONCE)
    for user_id, seen, since, is_erased, now in due:
        with apart("expelling_hindered", user_id=str(user_id)):
            expel_shopper(context, user_id, ERASED if is_erased else BANNED)
            following = _following(context, user_id, since, now)
            with context.database.transaction() as session:
                mine = (User.id == user_id, User.expel_at == seen)  # not banned or unbanned meanwhile
                session.execute(update(User).where(*mine).values(expel_at=following))
    return len(due)


def _following(context: Context, user_id: UUID, since: datetime, began: datetime) -> datetime | None:
    """Return when to look again; None if every token had ended before, and nothing is left."""
    if not is_clear(context, user_id):
        return began + SHORTEST_PAUSE
    age = began - since
    if age >= timedelta(seconds=context.settings.access_token_s) + MARGIN:
        return None
    return began + max(age / RARER, SHORTEST_PAUSE)


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
