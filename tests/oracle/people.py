"""Everybody who asks: accounts, log-ins and keys as the shop makes, bans, erases and revokes them."""

import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from models.enums import Role, StaffRole
from models.errors import NotDone
from models.tables.accounts import TokenFamily, User
from models.tables.background import BackgroundTask
from tasks.accounts.order_links import OrderPass
from tasks.context import Context
from tasks.expulsion.bans import ban_shopper
from tasks.privacy.erasing import erase, erase_account
from tasks.runtime.admin_log import Actor
from tasks.staff.api_keys import make_key, revoke_key
from tests.oracle.credentials import Person, by_session, shown
from tests.oracle.who_may import NOBODY, SHOPPER
from tests.oracle.wire import Header
from web.auth.tokens import ACCESS, REFRESH

FACTOR: Final = "second_factor_missing"
CONFIRMATION: Final = "confirmation_required"


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody or something that asks, with what it shows.

    `lacks`: the code by which it is refused what takes that. What does not `count` is nobody's (any more).
    """

    name: str
    role: str = NOBODY
    person: Person | None = None
    key: str = ""
    kind: str = ACCESS
    lacks: str = ""
    counts: bool = True

    def headers(self, secret: str, *, by_cookie: bool) -> list[Header]:
        """What it shows: a session's cookies with their proof, where it is a browser that asks."""
        if self.person is None:
            return [shown(self.key)] if self.key else []
        if by_cookie:
            return by_session(self.person, secret, self.kind)
        return [shown(self.person.token(secret, self.kind))]


class People:
    """One set of accounts in a ledger, for every route."""

    def __init__(self, context: Context) -> None:
        self._context = context
        owner = self._person(StaffRole.OWNER)
        self.owner = owner
        self.shopper = self._person()
        self.gone = self._banned(owner), self._erased()
        self.askers = list(self._everybody())

    def _everybody(self) -> Iterator[Asker]:
        yield Asker(NOBODY)
        yield Asker("shopper with an unconfirmed address", SHOPPER, self._person(is_verified=False))
        yield Asker("shopper", SHOPPER, self.shopper)
        yield Asker("shopper's refresh token", SHOPPER, self.shopper, kind=REFRESH)
        for role in StaffRole:
            yield Asker(role, role, self._person(role) if role != StaffRole.OWNER else self.owner)
        yield Asker("owner's refresh token", "owner", self.owner, kind=REFRESH)
        bare, stale = (self._person(StaffRole.OWNER, lacks=what) for what in (FACTOR, CONFIRMATION))
        yield Asker("owner without a second factor", "owner", bare, lacks=FACTOR)
        yield Asker("owner who confirmed long ago", "owner", stale, lacks=CONFIRMATION)
        for word, person in zip(("banned", "erased"), self.gone, strict=True):
            yield Asker(f"{word} shopper's old token", SHOPPER, person, counts=False)
            yield Asker(f"{word} shopper's refresh token", SHOPPER, person, kind=REFRESH, counts=False)
        yield from self._made_keys(Actor(self.owner.user_id))
        until = int(time.time()) + 3_600
        order_pass = OrderPass(uuid.uuid4(), self.shopper.user_id, until)
        yield Asker("order's pass", key=order_pass.write(self._context.settings.secret_key), kind="pass")

    def sign_everybody_in(self) -> None:
        """Begin a log-in of each who still can."""
        self.askers = [self.log_in_again(asker) for asker in self.askers]

    def log_in_again(self, asker: Asker) -> Asker:
        """The same with a log-in of its own, to be ended; who is gone cannot."""
        if asker.person is None or not asker.counts:
            return asker
        return replace(asker, person=self.sign_in(asker.person, asker.lacks))

    def sign_in(self, person: Person, lacks: str = "") -> Person:
        """Begin a log-in, of this moment and by a second factor unless it lacks that."""
        signed_in = replace(person, family=uuid.uuid4(), newest=uuid.uuid4())
        began = func.now() - timedelta(days=lacks == CONFIRMATION)
        row = TokenFamily(
            id=signed_in.family,
            user_id=person.user_id,
            newest_jti=signed_in.newest,
            created_at=began,
            expires_at=func.now() + timedelta(days=1),
            second_factor_at=None if lacks == FACTOR else began,
        )
        with self._context.database.transaction() as session:
            session.add(row)
        return signed_in

    def _person(
        self, staff_role: StaffRole | None = None, *, is_verified: bool = True, lacks: str = ""
    ) -> Person:
        user_id = uuid.uuid4()
        role = Role.ADMIN if staff_role else Role.SHOPPER
        user = User(id=user_id, email=f"{user_id}@example.com", role=role, staff_role=staff_role)
        user.email_verified_at = func.now() if is_verified else None
        with self._context.database.transaction() as session:
            session.add(user)
        return self.sign_in(Person(user_id, uuid.uuid4(), role, staff_role, is_verified=is_verified), lacks)

    def _banned(self, owner: Person) -> Person:
        person = self._person()
        ban_shopper(self._context, person.user_id, by=Actor(owner.user_id), reason=None)
        return person

    def _erased(self) -> Person:
        person = self._person()
        erase_account(self._context, person.user_id, by=Actor(person.user_id))
        with self._context.database.transaction() as session:
            asked = select(BackgroundTask).where(BackgroundTask.subject_id == person.user_id)
            task = session.scalars(asked).one()
        with suppress(NotDone):  # the last mail is still to be sent, or workers were as quick
            erase(self._context, task)
        return person

    def _made_keys(self, by: Actor) -> Iterator[Asker]:
        def make(role: StaffRole, expires_at: datetime | None = None) -> tuple[uuid.UUID, str]:
            made = make_key(self._context, name="oracle", staff_role=role, expires_at=expires_at, by=by)
            return made.row.id, made.key

        for role in StaffRole:
            yield Asker(f"{role}'s key", role, key=make(role)[1])
        key_id, key = make(StaffRole.OWNER)
        revoke_key(self._context, key_id, by=by)
        yield Asker("revoked key", "owner", key=key, counts=False)
        past = datetime.now(UTC) - timedelta(minutes=1)
        yield Asker("expired key", "owner", key=make(StaffRole.OWNER, past)[1], counts=False)
