"""Makes, revokes and recognises programs' keys. The ledger holds a key's digest and first characters."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from models.enums import AdminAction, StaffRole, SubjectKind
from models.errors import NotFound
from models.queries.accounts import find_key
from models.tables.accounts import ApiKey
from tasks.context import Context
from tasks.runtime.admin_log import Actor, record_action

BEGINNING: Final = "fsk_"
_RANDOM_BYTES: Final = 32
_SHOWN: Final = 12  # characters, of which 8 are random
NOTED_EVERY: Final = timedelta(minutes=1)  # when a key was last used


class Made(NamedTuple):
    """A key as its maker is shown it, once."""

    row: ApiKey
    key: str


class Known(NamedTuple):
    """A key that counts: what it may do, and in whose name."""

    id: UUID
    made_by: UUID
    staff_role: str


def make_key(
    context: Context, *, name: str, staff_role: StaffRole, expires_at: datetime | None, by: Actor
) -> Made:
    """Make a key."""
    key = BEGINNING + secrets.token_urlsafe(_RANDOM_BYTES)
    row = ApiKey(
        id=uuid4(),
        name=name,
        digest=digest_of(key),
        beginning=key[:_SHOWN],
        staff_role=staff_role,
        made_by=by.user_id,
        expires_at=expires_at,
    )
    with context.database.transaction() as session:
        session.add(row)
        session.flush()
        told = {"name": name, "staff_role": staff_role, "expires_at": expires_at}
        record_action(session, by, AdminAction.CREATED, SubjectKind.KEY, row.id, **told)
        session.refresh(row)
    return Made(row, key)


def revoke_key(context: Context, key_id: UUID, *, by: Actor) -> None:
    """Have a key count no more; done again it changes nothing.

    Raises:
        NotFound: no key has this id.
    """
    with context.database.transaction() as session:
        row = session.get(ApiKey, key_id, with_for_update={"of": ApiKey})
        if row is None:
            raise NotFound("No key has this id.")
        if row.revoked_at is None:
            end_key(session, row, by=by)


def end_key(session: Session, key: ApiKey, *, by: Actor) -> None:
    """Have a locked key count no more, in the caller's transaction."""
    key.revoked_at = func.now()
    record_action(session, by, AdminAction.REVOKED, SubjectKind.KEY, key.id)


def recognise(context: Context, digest: bytes) -> Known | None:
    """Find the key with this digest, if it counts now, and note that it is used."""
    with context.database.transaction() as session:
        found = find_key(session, digest, NOTED_EVERY)
        if found is None:
            return None
        key_id, made_by, staff_role, is_due = found
        if is_due:  # of many processes that find it so, one writes
            unnoted = ApiKey.last_used_at.is_(None) | (ApiKey.last_used_at < func.now() - NOTED_EVERY)
            noting = update(ApiKey).where(ApiKey.id == key_id, unnoted)
            session.execute(noting.values(last_used_at=func.now()))
        return Known(key_id, made_by, staff_role)


def digest_of(key: str) -> bytes:
    """What the ledger holds of a key."""
    return hashlib.sha256(key.encode(errors="replace")).digest()
