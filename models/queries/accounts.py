"""Queries on accounts and their log-ins."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Connection, Row, Select, exists, func, or_, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from models.enums import AdminAction, LinkKind, OrderStatus, Role, StaffRole
from models.errors import NotFound
from models.queries.paging import newest, search
from models.tables.accounts import FRAGMENTS, AccountLink, ApiKey, RecoveryCode, TokenFamily, User
from models.tables.admin_log import AdminLogEntry
from models.tables.orders import Order

# From the last look on, or from now where that is earlier: the ledger's clock may have been set since.
_SINCE: Final = text(
    "SELECT extract(epoch FROM now()), array(SELECT id FROM token_families WHERE revoked_at >"
    " least(now(), to_timestamp(CAST(:looked_at AS double precision))) - make_interval(secs => :seconds))"
)

_INVITATIONS: Final[Select[AccountLink, User]] = (
    select(AccountLink, User)
    .join(User, User.id == AccountLink.user_id)
    .where(
        AccountLink.kind == LinkKind.INVITATION,
        AccountLink.used_at.is_(None),
        AccountLink.expires_at > func.now(),
    )
)


MOST_LOG_INS: Final = 100  # of one account in a list


_HAS_FRAGMENTS: Final = text(f"{FRAGMENTS} @> fragments(:asked, ARRAY[CAST(:size AS int)])")

_BY_EMAIL_OR_ANY: Final = select(User).from_statement(
    text(
        "(SELECT * FROM users WHERE lower(email) = :email)"
        " UNION ALL (SELECT * FROM users ORDER BY id LIMIT 1) LIMIT 1"
    )
)


class OrderCounts(NamedTuple):
    """How many orders an account has."""

    all: int = 0
    paid: int = 0


def find_user(session: Session, user_id: UUID) -> User | None:
    """Find an account."""
    return session.get(User, user_id)


def credentials_of(session: Session, email: str) -> User | None:
    """Find the account with this e-mail, and take as long where there is none: another one is read then."""
    user = session.scalar(_BY_EMAIL_OR_ANY, {"email": email})
    return user if user is not None and user.email.lower() == email else None


def user_of_email(session: Session, email: str) -> User | None:
    """Find the account with this e-mail, which is in small letters; one that is to be erased is nobody's."""
    stays = User.erasure_asked_at.is_(None)
    return session.scalar(select(User).where(func.lower(User.email) == email, stays))


def verified_among(session: Session, user_ids: Sequence[UUID]) -> set[UUID]:
    """Tell which of these accounts have confirmed their address."""
    verified = select(User.id).where(User.id.in_(user_ids), User.email_verified_at.is_not(None))
    return set(session.scalars(verified))


def lock_user(session: Session, user_id: UUID) -> User | None:
    """Find an account, as it is now, and keep it so until the transaction ends; log-ins wait meanwhile."""
    return session.get(User, user_id, with_for_update={"key_share": True}, populate_existing=True)


def lock_account(session: Session, user_id: UUID) -> User:
    """Do the same for an account that has to be there.

    Raises:
        NotFound: there is none.
    """
    user = lock_user(session, user_id)
    if user is None:
        raise NotFound("No account has this id.")
    return user


def find_link(session: Session, digest: bytes, kind: LinkKind) -> User | None:
    """Find the account of an unused link that is good now, by the digest of its token."""
    is_good = (
        AccountLink.digest == digest,
        AccountLink.kind == kind,
        AccountLink.used_at.is_(None),
        AccountLink.expires_at > func.now(),
    )
    return session.scalar(select(User).join(AccountLink, AccountLink.user_id == User.id).where(*is_good))


def count_links(session: Session, user_id: UUID, kind: LinkKind, lately: timedelta) -> tuple[int, int]:
    """Count the links of a kind that were mailed to an account: lately, and in the last day."""
    is_late = AccountLink.created_at > func.now() - lately
    counting = select(func.count().filter(is_late), func.count()).where(
        AccountLink.user_id == user_id,
        AccountLink.kind == kind,
        AccountLink.created_at > func.now() - timedelta(days=1),
    )
    late, today = session.execute(counting).one()
    return late, today


def find_shopper(session: Session, user_id: UUID) -> User:
    """Find an account.

    Raises:
        NotFound: there is none.
    """
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("No account has this id.")
    return user


def search_shoppers(
    session: Session,
    asked: str,
    *,
    only_banned: bool,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[User]:
    """Find accounts by their id or a part of their name or e-mail, newest first, below the keys `before`."""

    def look_through(depth: int) -> Sequence[User]:
        lately = aliased(User, _newest(User, only_banned, before).limit(depth).subquery())
        found = select(lately).where(is_meant(lately, asked)) if asked else select(lately)
        return session.scalars(newest(found, (lately.created_at, lately.id), None).limit(limit)).all()

    def by_index() -> Sequence[User]:
        found = aliased(User, named(asked, User))
        return session.scalars(_newest(found, only_banned, before).limit(limit)).all()

    return search(look_through, by_index, limit) if asked else look_through(limit)


def _newest(accounts: type[User], only_banned: bool, before: tuple[datetime, UUID] | None) -> Select[User]:
    query = select(accounts).where(accounts.banned_at.is_not(None)) if only_banned else select(accounts)
    return newest(query, (accounts.created_at, accounts.id), before)


def is_meant(account: type[User], asked: str) -> ColumnElement[bool]:
    """Whether this is an account's id, or a part of its name or e-mail."""
    said = (account.email.icontains(asked, autoescape=True), account.name.icontains(asked, autoescape=True))
    return or_(*said, *_has_id(account, asked))


def named(asked: str, column: type[User] | InstrumentedAttribute[UUID]) -> CTE:
    """Make a table of the accounts that are meant, or of a column of theirs, found by indexes."""
    found = select(column).where(is_meant(User, asked))
    if len(asked) > 1:  # what every account says is in no index
        fragments = _HAS_FRAGMENTS.bindparams(asked=asked, size=min(len(asked), 3))
        found = found.where(or_(fragments, *_has_id(User, asked)))
    return found.cte("named").prefix_with("MATERIALIZED")  # for the planner takes them to be very few


def _has_id(account: type[User], asked: str) -> Iterator[ColumnElement[bool]]:
    with suppress(ValueError):  # else it is a part of a name, and no id
        yield account.id == UUID(asked)


def admins(session: Session) -> Sequence[Row[UUID, str]]:
    """List the admins' ids and e-mails."""
    return session.execute(
        select(User.id, User.email).where(User.role == Role.ADMIN).order_by(User.email)
    ).all()


def count_orders(session: Session, user_ids: Sequence[UUID]) -> dict[UUID, OrderCounts]:
    """Count the orders of some accounts; those without any have zeros."""
    counting = (
        select(
            Order.user_id,
            func.count(),
            func.count().filter(Order.status == OrderStatus.PAID),
        )
        .where(Order.user_id.in_(user_ids))
        .group_by(Order.user_id)
    )
    counts: dict[UUID, OrderCounts] = defaultdict(OrderCounts)
    counts.update({user_id: OrderCounts(every, paid) for user_id, every, paid in session.execute(counting)})
    return counts


def find_log_in(session: Session, family: UUID) -> TokenFamily | None:
    """Find a log-in by its family of tokens."""
    return session.get(TokenFamily, family)


def log_ins(session: Session, user_id: UUID, limit: int) -> Sequence[Row[TokenFamily, bool]]:
    """List an account's newest log-ins, each with whether it is good."""
    is_good = TokenFamily.revoked_at.is_(None) & (TokenFamily.expires_at > func.now())
    asked = select(TokenFamily, is_good).where(TokenFamily.user_id == user_id)
    return session.execute(asked.order_by(TokenFamily.created_at.desc()).limit(limit)).all()


def is_confirmed(session: Session, family: UUID, seconds: int) -> bool:
    """Whether a log-in began, or was confirmed, within so many seconds."""
    last = func.coalesce(TokenFamily.confirmed_at, TokenFamily.created_at)
    recent = last > func.now() - timedelta(seconds=seconds)
    return bool(session.scalar(select(recent).where(TokenFamily.id == family)))


def has_second_factor(session: Session, family: UUID) -> bool:
    """Whether a log-in has shown its account's second factor."""
    shown = select(TokenFamily.second_factor_at.is_not(None)).where(TokenFamily.id == family)
    return bool(session.scalar(shown))


def count_recovery_codes(session: Session, user_id: UUID) -> int:
    """Count the recovery codes of an account that were not used."""
    unused = (RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalars(select(func.count()).where(*unused)).one()


def sealed_otherwise(session: Session, prefix: str, after: UUID, limit: int) -> list[tuple[UUID, str]]:
    """List, by their ids, accounts whose sealed secret does not begin like this, and the secret."""
    others = User.totp_secret.is_not(None) & ~User.totp_secret.startswith(prefix, autoescape=True)
    asked = select(User.id, User.totp_secret).where(others, User.id > after).order_by(User.id).limit(limit)
    return [(user_id, sealed or "") for user_id, sealed in session.execute(asked)]


def good_log_ins(session: Session, user_id: UUID) -> Sequence[TokenFamily]:
    """List an account's log-ins that are good, the one that was used last first."""
    is_good = (TokenFamily.user_id == user_id, TokenFamily.revoked_at.is_(None))
    used_at = func.coalesce(TokenFamily.last_used_at, TokenFamily.created_at)
    asked = select(TokenFamily).where(*is_good, TokenFamily.expires_at > func.now())
    return session.scalars(asked.order_by(used_at.desc(), TokenFamily.id).limit(MOST_LOG_INS)).all()


def revoked_since(
    connection: Connection, looked_at: float | None, seconds: float
) -> tuple[float, Sequence[UUID]]:
    """Read the log-ins that were revoked from so many seconds before a look on; without one, before now.

    Returns the ledger's time too, in seconds since the epoch: it is the next `looked_at`.
    """
    now, families = connection.execute(_SINCE, {"looked_at": looked_at, "seconds": seconds}).one()
    return float(now), families


def shoppers_to_expel(
    session: Session, limit: int
) -> Sequence[Row[UUID, datetime | None, datetime, bool, datetime]]:
    """List who is to be looked for again.

    Of each the id, when that was due, since when they are expelled, whether since they are to be erased, and
    the ledger's time.
    """
    since = func.coalesce(func.greatest(User.banned_at, User.erasure_asked_at), func.now())
    is_erased = User.erasure_asked_at.is_not(None)
    return session.execute(
        select(User.id, User.expel_at, since, is_erased, func.now())
        .where(User.expel_at <= func.now())
        .order_by(User.expel_at)
        .limit(limit)
    ).all()


def staff(session: Session) -> Sequence[Row[User, datetime | None]]:
    """List the staff with when each was last logged in, owners first."""
    seen = (
        select(func.max(func.coalesce(TokenFamily.last_used_at, TokenFamily.created_at)))
        .where(TokenFamily.user_id == User.id)
        .scalar_subquery()
    )
    asked = select(User, seen).where(User.staff_role.is_not(None))
    return session.execute(asked.order_by((User.staff_role == StaffRole.OWNER).desc(), User.email)).all()


def owners_for_update(session: Session) -> Sequence[UUID]:
    """Lock the owners until the caller's transaction ends, in one order, and list them."""
    asked = select(User.id).where(User.staff_role == StaffRole.OWNER)
    return session.scalars(asked.order_by(User.id).with_for_update()).all()


def invitations(session: Session) -> Sequence[Row[AccountLink, User]]:
    """List the open invitations with whom they are for, newest first."""
    return session.execute(_INVITATIONS.order_by(AccountLink.created_at.desc())).all()


def invitations_by(session: Session, user_id: UUID) -> Sequence[AccountLink]:
    """List the open invitations that somebody made: the log's entry is of the same transaction."""
    made = (
        AdminLogEntry.actor_id == user_id,
        AdminLogEntry.deed == AdminAction.INVITED,
        AdminLogEntry.subject_id == AccountLink.user_id,
        AdminLogEntry.at == AccountLink.created_at,
    )
    return session.scalars(_INVITATIONS.with_only_columns(AccountLink).where(exists().where(*made))).all()


def invitation_of(session: Session, digest: bytes) -> Row[AccountLink, User] | None:
    """Find the open invitation with a token of this digest, with whom it is for."""
    return session.execute(_INVITATIONS.where(AccountLink.digest == digest)).one_or_none()


def find_key(session: Session, digest: bytes, noted_every: timedelta) -> Row[UUID, UUID, str, bool] | None:
    """Find a key that counts now: its id and maker, its role, and whether its use is to be noted again."""
    is_due = ApiKey.last_used_at.is_(None) | (ApiKey.last_used_at < func.now() - noted_every)
    has_time = ApiKey.expires_at.is_(None) | (ApiKey.expires_at > func.now())
    asked = select(ApiKey.id, ApiKey.made_by, ApiKey.staff_role, is_due)
    good = (ApiKey.digest == digest, ApiKey.revoked_at.is_(None), has_time)
    return session.execute(asked.where(*good)).one_or_none()


def keys_that_count(session: Session, made_by: UUID) -> Sequence[ApiKey]:
    """Lock the keys that somebody made and nobody has revoked."""
    asked = select(ApiKey).where(ApiKey.made_by == made_by, ApiKey.revoked_at.is_(None))
    return session.scalars(asked.order_by(ApiKey.id).with_for_update(of=ApiKey)).all()


def api_keys() -> Select[ApiKey]:
    """Select programs' keys for paging."""
    return select(ApiKey)
