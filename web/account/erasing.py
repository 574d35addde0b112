"""Lets people have their own account erased, who show that it is theirs."""

from models.errors import SecondFactorRequired
from models.tables.accounts import User
from tasks.accounts.confirming import confirm_by_code
from tasks.privacy.erasing import erase_account
from tasks.runtime.admin_log import Actor
from web.auth.accounts import find_user, require_password
from web.auth.confirmation import judged
from web.auth.tokens import Identity
from web.http.services import Services


def erase_own(parts: Services, identity: Identity, *, password: str, code: str | None = None) -> None:
    """Have an account erased by its owner, who may try as many passwords and codes as at a log-in.

    Raises:
        BadCredentials: the password is wrong.
        SecondFactorRequired: the account has a second factor, and there is no code.
        BadCode: the code is wrong, or was used before.
        TooManyRequests: too many were wrong.
        Busy: too many passwords are looked at in this moment.
        LastOwner: it is the last owner's.
    """
    user = find_user(parts, identity.user_id)
    judged(parts, user, lambda: _check(parts, user, identity, password, code))
    parts.revoked.add(*erase_account(parts.context, user.id, by=Actor(user.id)))


def _check(parts: Services, user: User, identity: Identity, password: str, code: str | None) -> None:
    with parts.passwords.turn():
        require_password(parts, user, password)
    if user.totp_confirmed_at is None:
        return
    if code is None:
        raise SecondFactorRequired("The account has a second factor: give a code of it too.")
    confirm_by_code(parts.context, user.id, identity.family, code)
