"""The outbox of pushes: entered in the caller's transaction, one a browser, leased to be sent, and noted.

They are entered only by processes that have keys to push by, and for browsers whose log-in is still good.
Every push has an end, after which nobody wants to hear it, and is given up then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, case, delete, func, literal_column, null, text, update
from sqlalchemy.orm import Session

from config import PushSettings
from models import leases
from models.enums import MailKind
from models.leases import Backoff, seconds
from models.queries.notices.browsers import find_subscriptions
from models.tables.notices.pushes import PushMessage, PushSubscription
from tasks.runtime.tallies import PUSHES, Counts

ARE_ON: Final = "pushes"  # in Session.info, where there are keys to push by
LEASE: Final = timedelta(minutes=1)  # longer than a push service is waited for
TRIED_AGAIN: Final = Backoff(first_s=5, longest_s=600)
LONGEST_ASKED_S: Final = 3_600  # that a service may ask to be left alone
LIVES: Final = timedelta(hours=1)  # what is told later than this is old
MOST_CHARACTERS: Final = 500  # of an error
# As its index has it, to the letter: a parameter would hide the kind from the planner.
_IS_AWAITED: Final = PushMessage.due_at.is_not(None) & (PushMessage.kind != literal_column("'opens_soon'"))

_ENTER: Final = text("""
    INSERT INTO push_messages (id, subscription_id, kind, name, contents, language, due_at, expires_at)
    SELECT gen_random_uuid(), s.id, :kind, n.name, CAST(n.contents AS jsonb), coalesce(u.language, 'en'),
           clock_timestamp(), coalesce(n.ends_at, now() + CAST(:lives AS interval))
    FROM unnest(CAST(:users AS uuid[]), CAST(:names AS text[]), CAST(:contents AS text[]),
                CAST(:ends AS timestamptz[])) AS n(user_id, name, contents, ends_at)
    JOIN push_subscriptions s ON s.user_id = n.user_id
    JOIN users u ON u.id = s.user_id AND u.banned_at IS NULL AND u.erasure_asked_at IS NULL
    LEFT JOIN token_families f ON f.id = s.family_id
    WHERE s.family_id IS NULL OR (f.revoked_at IS NULL AND f.expires_at > now())
    ON CONFLICT (subscription_id, kind, name) DO NOTHING
""")


class Notice(NamedTuple):
    """What an account is told: of which thing, what it is called, and the page of ours that a press opens.

    `ends_at`: after which it is news no longer; else that is so after some time.
    """

    user_id: UUID
    subject: UUID
    item: str
    page: str
    ends_at: datetime | None = None


class Taken(NamedTuple):
    """A leased push with the browser that it goes to; `lives_s`: for how many seconds it is still news."""

    message: PushMessage
    browser: PushSubscription
    lives_s: float


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a leased push: sent if there is no error.

    `is_gone`: the browser is there no longer. `pause_s`: for so long the service wants to be left alone.
    """

    message: PushMessage
    error: str | None = None
    is_final: bool = False  # trying again would not help
    is_gone: bool = False
    pause_s: int = 0


def session_info(settings: PushSettings | None) -> dict[str, str]:
    """Return what `Session.info` must hold for pushes to be entered."""
    return {ARE_ON: "yes"} if settings else {}


def tell_by_push(
    session: Session, kind: MailKind, notices: Sequence[Notice], *, lives: timedelta = LIVES
) -> int:
    """Enter pushes to the browsers of accounts in the caller's transaction; returns how many.

    There is one of a kind and subject for each browser, however often it is entered; none where the shop
    pushes nothing.
    """
    if ARE_ON not in session.info or not notices:
        return 0
    values = {
        "kind": kind,
        "lives": lives,
        "users": [one.user_id for one in notices],
        "names": [str(one.subject) for one in notices],
        "ends": [one.ends_at for one in notices],
        "contents": [orjson.dumps({"item": one.item, "page": one.page}).decode() for one in notices],
    }
    entered = int(session.execute(_ENTER, values).rowcount)  # type: ignore[attr-defined]
    counts = Counts()
    counts.add(PUSHES, kind, "entered", times=entered)
    counts.write(session)
    return entered


def has_due(session: Session) -> bool:
    """Return whether a push is due; reads the beginning of an index."""
    return leases.has_due(session, PushMessage)


def take_up(session: Session, limit: int) -> list[Taken]:
    """Lease pushes that are due, oldest first; those to a sale's followers while no other is due."""
    return _take_up(session, limit, _IS_AWAITED) or _take_up(session, limit)


def note_tried(session: Session, counts: Counts, tried: Tried) -> bool:
    """Note what became of a push; returns whether it was given up. A lost lease is left to its new owner."""
    kind = tried.message.kind
    if tried.is_gone:
        gone = delete(PushSubscription).where(PushSubscription.id == tried.message.subscription_id)
        counts.add(PUSHES, kind, "gone", times=_many(session, gone))
        return False
    if tried.error is None:
        sent: Mapping[str, Any] = {"sent_at": func.clock_timestamp(), "due_at": null(), "error": null()}
        counts.add(PUSHES, kind, "sent", times=_many(session, _still_leased(tried.message).values(sent)))
        return False
    again = func.now() + func.greatest(
        TRIED_AGAIN.pause(PushMessage.attempts - 1), seconds(min(tried.pause_s, LONGEST_ASKED_S))
    )
    due_at = null() if tried.is_final else case((again < PushMessage.expires_at, again), else_=null())
    putting_off = _still_leased(tried.message).values(due_at=due_at, error=tried.error[:MOST_CHARACTERS])
    noted = session.execute(putting_off.returning(PushMessage.due_at)).first()
    is_given_up = noted is not None and noted.due_at is None
    counts.add(PUSHES, kind, "given_up" if is_given_up else "put_off", times=int(noted is not None))
    return is_given_up


def _many(session: Session, statement: Any) -> int:
    """Carry out a statement; returns how many rows it changed."""
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def _take_up(session: Session, limit: int, *only: ColumnElement[bool]) -> list[Taken]:
    taking, _ = leases.take_up(PushMessage, limit, LEASE, {"attempts": PushMessage.attempts + 1}, *only)
    left_s = func.extract("epoch", PushMessage.expires_at - func.now())
    rows = session.execute(taking.returning(PushMessage, left_s)).all()
    browsers = find_subscriptions(session, {message.subscription_id for message, _ in rows})
    found = [
        Taken(message, browsers[message.subscription_id], float(left))
        for message, left in rows
        if message.subscription_id in browsers
    ]
    return sorted(found, key=lambda one: (one.message.created_at, one.message.id))


def _still_leased(message: PushMessage) -> Any:
    mine = (
        PushMessage.id == message.id,
        PushMessage.attempts == message.attempts,
        PushMessage.due_at.is_not(None),
    )
    return update(PushMessage).where(*mine).execution_options(synchronize_session=False)
