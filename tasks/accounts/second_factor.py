"""Switches an account's second factor on and off. Each change ends its other log-ins and is told by mail."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from pyotp import random_base32
from sqlalchemy import func, update
from sqlalchemy.orm import Session

from models.enums import AdminAction, SubjectKind
from models.errors import NoSecondFactor, OwnSecondFactor, SecondFactorOn
from models.queries.accounts import lock_account, sealed_otherwise
from models.tables.accounts import TokenFamily, User
from tasks.accounts.codes import drop_recovery_codes, take_code, take_step, write_recovery_codes
from tasks.accounts.confirming import note_confirmed
from tasks.accounts.log_ins import revoke_log_ins
from tasks.accounts.sealing import Seal
from tasks.accounts.security_mails import tell_change
from tasks.context import Context
from tasks.runtime.admin_log import Actor, record_action

AT_ONCE: Final = 500  # secrets that are sealed again in one transaction


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change gave and ended: new recovery codes, which nobody is told again, and other log-ins."""

    recovery_codes: list[str] = field(default_factory=list)
    ended: Sequence[UUID] = ()


def begin(context: Context, user_id: UUID) -> tuple[str, str]:
    """Make a secret that counts once it is confirmed; returns it and the account's e-mail.

    Raises:
        SecondFactorOn: the account has a second factor.
    """
    secret: str = random_base32()
    with context.database.transaction() as session:
        user = lock_account(session, user_id)
        if user.totp_confirmed_at is not None:
            raise SecondFactorOn("The account has a second factor.")
        user.totp_secret = Seal(context.settings.secret_keys).close(secret)
        user.totp_last_step = None
        return secret, user.email


def turn_on(context: Context, user_id: UUID, family: UUID, code: str) -> Changed:
    """Let the secret count from now on; a first code shows that the phone has it.

    Raises:
        BadCode: the code is wrong.
        NoSecondFactor: nobody asked for a secret.
        SecondFactorOn: it counts already.
    """
    with context.database.transaction() as session:
        user = lock_account(session, user_id)
        if user.totp_confirmed_at is not None:
            raise SecondFactorOn("The account has a second factor.")
        take_step(Seal(context.settings.secret_keys), user, "".join(code.split()))
        user.totp_confirmed_at = func.now()
        note_confirmed(session, family, by_second_factor=True)
        return _changed(session, user, family, "second_factor_on", has_codes=True)


def turn_off(context: Context, user_id: UUID, family: UUID, code: str) -> Changed:
    """Let the account do without; the code that is given is the confirmation.

    Raises:
        BadCode: the code is wrong, or was used before.
        NoSecondFactor: it has none.
    """
    with context.database.transaction() as session:
        user = _with_second_factor(session, user_id)
        take_code(session, Seal(context.settings.secret_keys), user, code)
        _forget(session, user)
        note_confirmed(session, family)
        return _changed(session, user, family, "second_factor_off")


def renew_recovery_codes(context: Context, user_id: UUID, family: UUID) -> Changed:
    """Give new recovery codes in place of the old ones.

    Raises:
        NoSecondFactor: the account has no second factor.
    """
    with context.database.transaction() as session:
        user = _with_second_factor(session, user_id)
        return _changed(session, user, family, "recovery_codes", has_codes=True)


def reset(context: Context, user_id: UUID, *, by: Actor) -> Sequence[UUID]:
    """Take a lost second factor away from somebody else's account; returns the log-ins that this ended.

    Raises:
        NotFound: no such account.
        NoSecondFactor: it has none.
        OwnSecondFactor: it is the actor's own.
    """
    if user_id == by.user_id:
        raise OwnSecondFactor("Switch your own off with a code.")
    with context.database.transaction() as session:
        user = _with_second_factor(session, user_id)
        _forget(session, user)
        record_action(session, by, AdminAction.FACTOR_RESET, SubjectKind.SHOPPER, user_id)
        return _changed(session, user, None, "second_factor_reset").ended


def seal_again(context: Context) -> int:
    """Seal by today's key what old ones sealed, and return how many; what no key opens is left as it is."""
    seal, done, last = Seal(context.settings.secret_keys), 0, UUID(int=0)
    while True:
        with context.database.transaction() as session:
            found = sealed_otherwise(session, seal.prefix, last, AT_ONCE)
            for user_id, sealed in found:
                if (secret := seal.open(sealed)) is not None:
                    same = (User.id == user_id, User.totp_secret == sealed)
                    session.execute(update(User).where(*same).values(totp_secret=seal.close(secret)))
                    done += 1
        if not found:
            return done
        last = found[-1][0]


def _changed(
    session: Session, user: User, family: UUID | None, change: str, *, has_codes: bool = False
) -> Changed:
    codes = write_recovery_codes(session, user.id) if has_codes else []
    tell_change(session, user, change)
    return Changed(codes, revoke_log_ins(session, user.id, besides=family))


def _forget(session: Session, user: User) -> None:
    user.totp_secret, user.totp_confirmed_at, user.totp_last_step = None, None, None
    drop_recovery_codes(session, user.id)
    mine = TokenFamily.user_id == user.id
    session.execute(update(TokenFamily).where(mine).values(second_factor_at=None))


def _with_second_factor(session: Session, user_id: UUID) -> User:
    user = lock_account(session, user_id)
    if user.totp_confirmed_at is None:
        raise NoSecondFactor("The account has no second factor.")
    return user
