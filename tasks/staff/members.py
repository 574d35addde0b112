"""The staff: invitations by mail, changes of role, and leaving. There is always an owner.

Whatever changes a role ends the account's log-ins in the same transaction, since
their tokens name the old one; it is in the admins' log, and the account is told by mail.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.enums import AdminAction, LinkKind, MailKind, Role, StaffRole, SubjectKind
from models.errors import AlreadyStaff, BadCredentials, Banned, LastOwner, LinkSpent, NotFound
from models.queries.accounts import (
    find_user,
    invitation_of,
    invitations_by,
    keys_that_count,
    owners_for_update,
    user_of_email,
)
from models.tables.accounts import AccountLink, User
from tasks.accounts.links import drop_links, make_link, use_link
from tasks.accounts.log_ins import revoke_log_ins
from tasks.accounts.security_mails import tell_change
from tasks.context import Context
from tasks.mail.links import Links, digest_of
from tasks.mail.outbox import enter_letter, reader_of
from tasks.runtime.admin_log import COMMAND_LINE, Actor, record_action
from tasks.staff.api_keys import end_key

LIVES: Final = timedelta(days=7)  # an invitation


def add_admin(context: Context, *, email: str, password_hash: str, staff_role: StaffRole) -> None:
    """Make an account of the staff."""
    columns = {"role": Role.ADMIN, "staff_role": staff_role, "password_hash": password_hash}
    with context.database.transaction() as session:
        user = User(email=email, **columns)
        session.add(user)
        session.flush()
        _record(session, COMMAND_LINE, AdminAction.JOINED, user.id, staff_role)


def make_admin(context: Context, user_id: UUID, *, password_hash: str, staff_role: StaffRole) -> None:
    """Take an account into the staff or give it another role, with this password, from the command line.

    Raises:
        LastOwner: nobody else is an owner.
    """
    with context.database.transaction() as session:
        if staff_role != StaffRole.OWNER:
            require_another_owner(session, user_id)
        user = session.get_one(User, user_id, with_for_update=True)
        was, user.role, user.staff_role = user.staff_role, Role.ADMIN, staff_role
        user.password_hash, user.password_changed_at = password_hash, func.now()
        tell_change(session, user, "password_changed")
        if was is None:
            _record(session, COMMAND_LINE, AdminAction.JOINED, user_id, staff_role)
        elif was != staff_role:
            _record(session, COMMAND_LINE, AdminAction.ROLE_CHANGED, user_id, (was, staff_role))
        if was != staff_role:
            tell_change(session, user, "role_changed", role=staff_role)


class Invited(NamedTuple):
    """Who was invited; `url` is the link where no mail carries it."""

    link_id: UUID
    user_id: UUID
    url: str | None


class Invitation(NamedTuple):
    """What an invitation says to who opens it."""

    user_id: UUID
    email: str
    name: str
    staff_role: str
    has_password: bool  # then it is accepted by who is logged in to the account


def invite(context: Context, *, email: str, staff_role: StaffRole, name: str, by: Actor) -> Invited:
    """Invite somebody to the staff by mail; an address without an account gets one without a password.

    What was mailed to them before is good for nothing then.

    Raises:
        AlreadyStaff: they are there.
    """
    settings = context.settings
    with context.database.transaction() as session:
        user = _user_to_invite(session, email, name)
        if user.staff_role is not None:
            raise AlreadyStaff(email)
        drop_links(session, user.id, LinkKind.INVITATION)
        key, kind = settings.secret_key, LinkKind.INVITATION
        link_id = make_link(session, key, user.id, kind, lives=LIVES, staff_role=staff_role)
        session.flush()
        is_mailed = _mail(session, user, link_id, staff_role, by)
        _record(session, by, AdminAction.INVITED, user.id, staff_role)
        url = None if is_mailed else Links.of(settings).url_of(session, link_id)
        return Invited(link_id, user.id, url)


def uninvite(context: Context, link_id: UUID, *, by: Actor) -> None:
    """Make an invitation good for nothing.

    Raises:
        NotFound: no open invitation has this id.
    """
    with context.database.transaction() as session:
        link = session.get(AccountLink, link_id, with_for_update=True)
        if link is None or link.kind != LinkKind.INVITATION or link.used_at is not None:
            raise NotFound("No open invitation has this id.")
        _withdraw(session, link, by)


def read_invitation(context: Context, token: str) -> Invitation:
    """Say what an invitation is for; uses nothing up.

    Raises:
        LinkSpent: it was used or withdrawn, has expired, or there is none.
    """
    with context.database.transaction() as session:
        found = invitation_of(session, digest_of(token))
        if found is None:
            raise LinkSpent("The invitation was used or withdrawn, or has expired.")
        link, user = found
        has_password = user.password_hash is not None
        return Invitation(user.id, user.email, user.name, str(link.staff_role), has_password)


def accept(context: Context, token: str, *, password_hash: str | None) -> Sequence[UUID]:
    """Join the staff, with a first password where the account has none; returns the log-ins that this ended.

    The address counts as confirmed, since the link was sent to it.

    Raises:
        LinkSpent: it was used or withdrawn, has expired, or there is none.
        BadCredentials: the account has a password by now, or none was given for one without.
        Banned: the account is banned.
        AlreadyStaff: it has a role by another way.
    """
    with context.database.transaction() as session:
        link = use_link(session, token, LinkKind.INVITATION)
        user = session.get_one(User, link.user_id, with_for_update=True)
        if (user.password_hash is None) != (password_hash is not None):
            raise BadCredentials(user.email)
        if user.banned_at is not None or user.erased_at is not None:
            raise Banned("The account is banned, or gone.")
        if user.staff_role is not None:
            raise AlreadyStaff(user.email)
        user.role, user.staff_role = Role.ADMIN, link.staff_role
        user.email_verified_at = user.email_verified_at or link.used_at
        if password_hash is not None:
            user.password_hash, user.password_changed_at = password_hash, link.used_at
        _record(session, Actor(user.id), AdminAction.JOINED, user.id, link.staff_role)
        return revoke_log_ins(session, user.id)


def change_role(context: Context, user_id: UUID, staff_role: StaffRole, *, by: Actor) -> Sequence[UUID]:
    """Give somebody of the staff another role; returns the log-ins that this ended.

    Raises:
        NotFound: nobody of the staff has this id.
        LastOwner: nobody else is an owner.
    """
    with context.database.transaction() as session:
        user = _member(session, user_id, is_owner_after=staff_role == StaffRole.OWNER)
        if user.staff_role == staff_role:
            return []
        _record(session, by, AdminAction.ROLE_CHANGED, user_id, (user.staff_role, staff_role))
        user.staff_role = staff_role
        tell_change(session, user, "role_changed", role=staff_role)
        return revoke_log_ins(session, user_id)


def remove(context: Context, user_id: UUID, *, by: Actor) -> Sequence[UUID]:
    """Make somebody of the staff a shopper; returns the log-ins that this ended.

    Raises:
        NotFound: nobody of the staff has this id.
        LastOwner: nobody else is an owner.
    """
    with context.database.transaction() as session:
        tell_change(session, take_out(session, user_id, by=by), "role_removed")
        return revoke_log_ins(session, user_id)


def take_out(session: Session, user_id: UUID, *, by: Actor) -> User:
    """Take somebody out of the staff in the caller's transaction, with their keys and open invitations.

    Raises:
        NotFound: nobody of the staff has this id.
        LastOwner: nobody else is an owner.
    """
    user = _member(session, user_id, is_owner_after=False)
    _record(session, by, AdminAction.REMOVED, user_id, user.staff_role)
    user.role, user.staff_role = Role.SHOPPER, None
    for key in keys_that_count(session, user_id):
        end_key(session, key, by=by)
    for link in invitations_by(session, user_id):
        _withdraw(session, link, by)
    return user


def require_another_owner(session: Session, user_id: UUID) -> None:
    """Make sure that somebody else is an owner; nobody else's role changes until the transaction ends.

    Raises:
        LastOwner: nobody else is.
    """
    if list(owners_for_update(session)) == [user_id]:
        raise LastOwner("Somebody has to be an owner.")


def _record(
    session: Session,
    by: Actor,
    action: AdminAction,
    user_id: UUID,
    staff_role: str | tuple[str | None, str] | None,
) -> None:
    record_action(session, by, action, SubjectKind.SHOPPER, user_id, staff_role=staff_role)


def _withdraw(session: Session, link: AccountLink, by: Actor) -> None:
    drop_links(session, link.user_id, LinkKind.INVITATION)
    record_action(session, by, AdminAction.UNINVITED, SubjectKind.SHOPPER, link.user_id)


def _member(session: Session, user_id: UUID, *, is_owner_after: bool) -> User:
    if not is_owner_after:
        require_another_owner(session, user_id)
    user = session.get(User, user_id, with_for_update=True, populate_existing=True)
    if user is None or user.staff_role is None:
        raise NotFound("Nobody of the staff has this id.")
    return user


def _user_to_invite(session: Session, email: str, name: str) -> User:
    """Find the account or make one. It cannot log in before it has a password."""
    session.execute(insert(User).values(email=email, name=name).on_conflict_do_nothing())
    user = user_of_email(session, email)
    if user is None:
        raise NotFound("The account has just been removed.")
    session.refresh(user, with_for_update=True)
    return user


def _mail(session: Session, user: User, link_id: UUID, staff_role: StaffRole, by: Actor) -> bool:
    inviter = find_user(session, by.user_id) if by.user_id else None
    told: dict[str, str | int] = {"link": str(link_id), "role": staff_role, "days": LIVES.days}
    told["inviter"] = inviter.email if inviter else ""
    return enter_letter(session, MailKind.INVITATION, reader_of(user), link_id, contents=told)
