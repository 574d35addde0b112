"""The outbox: mails are entered in the transaction that moved money, leased to be sent, and noted.

Mails are entered only by processes that have mail configured: turning mail on sends nothing about the past,
nor what was kept to be read in the control room. A sender holds a lease on a mail, so that others leave it
alone, and after a crash it is sent again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, case, func, literal_column, null, text, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config import MailSettings
from models import leases
from models.enums import MailKind, MailStatus
from models.leases import Backoff
from models.pseudonyms import is_pseudonym
from models.queries.orders import Buyer
from models.tables.accounts import User
from models.tables.mails import Mail
from models.tables.orders import Order
from tasks.runtime.tallies import MAILS, Counts, count

DOMAIN: Final = "mail_domain"  # in Session.info: the sender's domain, where mail is configured
KEPT: Final = "mails_are_kept"  # in Session.info: they are never sent
LEASE: Final = timedelta(minutes=2)  # longer than a connection and all that is sent over it
TRIED_AGAIN: Final = Backoff(first_s=10, longest_s=3600)
GIVEN_UP_AFTER: Final = timedelta(days=3)
LANGUAGE: Final = "en"  # of who has chosen none
TIME_ZONE: Final = "UTC"
MOST_CHARACTERS: Final = 500  # of an error
# As its index has it, to the letter: a parameter would hide the kind from the planner.
_IS_AWAITED: Final = Mail.due_at.is_not(None) & (Mail.kind != literal_column("'opens_soon'"))


_ENTER: Final = text("""
    WITH told AS (
        SELECT t.*, u.name, u.email, u.language, u.time_zone,
               format('<%s.%s@%s>', CAST(:kind AS text), t.subject, CAST(:domain AS text)) AS message_id
        FROM unnest(CAST(:users AS uuid[]), CAST(:subjects AS uuid[]), CAST(:orders AS uuid[]),
                    CAST(:contents AS text[])) AS t (user_id, subject, order_id, contents)
        JOIN users u ON u.id = t.user_id
        WHERE u.erased_at IS NULL AND coalesce((u.mail_choices ->> :kind)::boolean, true)
    ), entered AS (
        INSERT INTO mails (id, kind, user_id, order_id, to_name, to_email, language, time_zone, contents,
                           message_id, status, due_at)
        SELECT gen_random_uuid(), :kind, user_id, order_id, name, email, coalesce(language, :language),
               coalesce(time_zone, :time_zone), CAST(contents AS jsonb), message_id, CAST(:status AS text),
               CASE WHEN :status = 'pending' THEN clock_timestamp() END
        FROM told
        ON CONFLICT (message_id) DO NOTHING
        RETURNING message_id
    )
    SELECT told.subject FROM told JOIN entered USING (message_id)
""")


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a leased mail: sent if there is no error."""

    mail: Mail
    error: str | None = None
    is_final: bool = False  # trying again would not help


def session_info(settings: MailSettings | None) -> dict[str, str]:
    """Return what `Session.info` must hold for mails to be entered."""
    if settings is None:
        return {}
    return {DOMAIN: settings.domain} | ({KEPT: "yes"} if settings.is_kept else {})


def enter_mail(
    session: Session,
    counts: Counts,
    kind: MailKind,
    order: Order,
    buyer: Buyer,
    *,
    refund_id: UUID | None = None,
) -> None:
    """Enter a mail to an order's shopper in the caller's transaction, if mail is configured.

    An erased account gets none.
    """
    domain = session.info.get(DOMAIN)
    if domain is None or is_pseudonym(buyer.email):
        return
    mail = Mail(
        kind=kind,
        user_id=order.user_id,
        order_id=order.id,
        refund_id=refund_id,
        to_name=buyer.name,
        to_email=buyer.email,
        language=buyer.language or LANGUAGE,
        time_zone=buyer.time_zone or TIME_ZONE,
        message_id=f"<{kind}.{refund_id or order.id}@{domain}>",
        **_destiny(session),
    )
    session.add(mail)
    counts.add(MAILS, kind, "entered")


class Reader(NamedTuple):
    """An account as its letters need it."""

    user_id: UUID
    name: str
    email: str
    language: str | None = None
    time_zone: str | None = None


def reader_of(user: User) -> Reader:
    """An account as its letters need it."""
    return Reader(user.id, user.name, user.email, user.language, user.time_zone)


def is_on(session: Session) -> bool:
    """Return whether mails are entered by this process."""
    return DOMAIN in session.info


def enter_letter(
    session: Session,
    kind: MailKind,
    reader: Reader,
    subject: UUID,
    *,
    order_id: UUID | None = None,
    contents: Mapping[str, Any] | None = None,
) -> bool:
    """Enter a mail to an account in the caller's transaction; returns whether one was entered.

    `subject` is the id of the thing that it tells of: there is one mail of a kind about it, however often it
    is entered. `contents` is what the letter's template says, and holds no secret.
    """
    domain = session.info.get(DOMAIN)
    if domain is None or is_pseudonym(reader.email):
        return False
    values = {
        "kind": kind,
        "user_id": reader.user_id,
        "order_id": order_id,
        "to_name": reader.name,
        "to_email": reader.email,
        "language": reader.language or LANGUAGE,
        "time_zone": reader.time_zone or TIME_ZONE,
        "contents": dict(contents or {}),
        "message_id": f"<{kind}.{subject}@{domain}>",
        **_destiny(session),
    }
    entering = insert(Mail).values(**values).on_conflict_do_nothing(index_elements=[Mail.message_id])
    if session.scalar(entering.returning(Mail.id)) is None:
        return False
    count(session, MAILS, kind, "entered")
    return True


def status_of_new(session: Session) -> MailStatus:
    """What becomes of mails that are entered: they are due at once, or kept."""
    return MailStatus.KEPT if KEPT in session.info else MailStatus.PENDING


def _destiny(session: Session) -> dict[str, Any]:
    status = status_of_new(session)
    return {"status": status, "due_at": func.clock_timestamp() if status == MailStatus.PENDING else null()}


class Letter(NamedTuple):
    """One of many mails of a kind. `subject` and `contents`: see `enter_letter`."""

    user_id: UUID
    subject: UUID
    contents: Mapping[str, Any]
    order_id: UUID | None = None


def enter_letters(session: Session, kind: MailKind, letters: Sequence[Letter]) -> set[UUID]:
    """Enter many mails in one statement, in the caller's transaction; returns the subjects of those entered.

    Who chose not to have this kind, or is erased, gets none; nor does anybody a second one of a subject.
    """
    domain = session.info.get(DOMAIN)
    if domain is None or not letters:
        return set()
    values = {
        "kind": kind,
        "users": [one.user_id for one in letters],
        "subjects": [one.subject for one in letters],
        "orders": [one.order_id for one in letters],
        "contents": [orjson.dumps(one.contents).decode() for one in letters],
        "language": LANGUAGE,
        "time_zone": TIME_ZONE,
        "domain": domain,
        "status": status_of_new(session),
    }
    entered = set(session.scalars(_ENTER, values))
    counts = Counts()
    counts.add(MAILS, kind, "entered", times=len(entered))
    counts.write(session)
    return entered


def has_due(session: Session) -> bool:
    """Return whether a mail is due; reads the beginning of an index."""
    return leases.has_due(session, Mail)


def take_up(session: Session, limit: int) -> list[Mail]:
    """Lease mails that are due, oldest first; nobody else gets them before their lease has ended.

    Those that tell thousands the same wait until no other is due: of a sale's followers nobody waits for one.
    """
    awaited = _take_up(session, limit, _IS_AWAITED)
    return awaited or _take_up(session, limit)


def hand_back(session: Session, mails: Sequence[Mail]) -> None:
    """Make mails that were not tried due at once, as if they had not been leased."""
    for mail in mails:
        first = Mail.attempts <= 1
        values = {
            "attempts": Mail.attempts - 1,
            "due_at": func.now(),
            "started_at": case((first, null()), else_=Mail.started_at),
        }
        session.execute(_still_leased(mail).values(values))


def note_tried(session: Session, tried: Tried) -> bool:
    """Note what became of a mail; returns whether it was given up. A lost lease is left to its new owner."""
    if tried.error is None:
        mailed = {
            "status": MailStatus.MAILED,
            "mailed_at": func.clock_timestamp(),
            "due_at": null(),
            "error": null(),
        }
        sent = update(Mail).where(Mail.id == tried.mail.id, Mail.status == MailStatus.PENDING)
        if session.scalar(sent.values(mailed).returning(Mail.id)):
            count(session, MAILS, tried.mail.kind, "mailed")
        return False
    error = tried.error[:MOST_CHARACTERS]
    putting_off = _still_leased(tried.mail).values({**_put_off(tried.is_final), "error": error})
    status: str | None = session.scalar(putting_off.returning(Mail.status))
    if status is not None:
        count(session, MAILS, tried.mail.kind, "given_up" if status == MailStatus.GIVEN_UP else "put_off")
    return status == MailStatus.GIVEN_UP


def _take_up(session: Session, limit: int, *only: ColumnElement[bool]) -> list[Mail]:
    taken = {"attempts": Mail.attempts + 1, "started_at": func.coalesce(Mail.started_at, func.now())}
    taking, _ = leases.take_up(Mail, limit, LEASE, taken, *only)
    return sorted(session.scalars(taking.returning(Mail)), key=lambda mail: (mail.created_at, mail.id))


def _put_off(is_final: bool) -> dict[str, Any]:
    """Make a mail due after a pause that doubles each time; or never, after days."""
    is_over = true() if is_final else Mail.created_at < func.now() - GIVEN_UP_AFTER
    return {
        "due_at": leases.due_again(TRIED_AGAIN, Mail.attempts, is_over=is_over),
        "status": case((is_over, MailStatus.GIVEN_UP), else_=MailStatus.PENDING),
        "given_up_at": case((is_over, func.now()), else_=null()),
    }


def _still_leased(mail: Mail) -> Any:
    mine = (Mail.id == mail.id, Mail.attempts == mail.attempts, Mail.status == MailStatus.PENDING)
    return update(Mail).where(*mine).execution_options(synchronize_session=False)
