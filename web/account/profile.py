"""`/me`: an account as its owner sees and changes it."""

from collections.abc import Callable
from typing import Any, Final

from flask import Response, after_this_request
from marshmallow import ValidationError

from models.errors import BadCredentials
from models.tables.accounts import User
from tasks.accounts.profile import Wanted, change_account
from web.account.addresses import require_mail
from web.api.schemas.accounts import AccountPatchSchema, UserSchema
from web.auth.accounts import find_user, require_password, require_strong
from web.auth.confirmation import judged
from web.auth.identity import current_identity, signed_in
from web.http.openapi import Blueprint
from web.http.services import Services, services
from web.shop import languages

blueprint = Blueprint("profile", __name__, url_prefix="/me", description="One's own account")

WRONG_PASSWORD: Final = "This is not your present password."  # noqa: S105 - words


@blueprint.get("")
@signed_in
@blueprint.response(200, UserSchema)
def me() -> User:
    """Say who is asking."""
    return find_user(services(), current_identity().user_id)


@blueprint.patch("")
@signed_in
@blueprint.arguments(AccountPatchSchema)
@blueprint.response(200, UserSchema)
def change(asked: dict[str, Any]) -> User:
    """Change one's account; what is not named stays.

    A new password or address takes the present password. A new password ends all other log-ins; a new
    address is mailed a link first and stays the old one until that is used. Both are told to the old address.
    """
    parts, identity = services(), current_identity()
    present, password = asked.pop("current_password", None), asked.pop("password", None)
    email, hashed = asked.pop("email", None), None
    if email is not None:
        require_mail()
    if email is not None or password is not None:
        hashed = _prove(parts, find_user(parts, identity.user_id), present or "", password)
    if asked.get("language"):
        after_this_request(_speaking(asked["language"]))
    changed = change_account(parts.context, identity.user_id, identity.family, Wanted(asked, hashed, email))
    parts.revoked.add(*changed.ended)
    return changed.user


def _speaking(language: str) -> Callable[[Response], Response]:
    """Let the browser's pages speak the language that its account has chosen."""

    def speak(answer: Response) -> Response:
        languages.remember(answer, language, secure=services().settings.is_production)
        return answer

    return speak


def _prove(parts: Services, user: User, present: str, password: str | None) -> str | None:
    """Check the present password, and hash the new one if there is one.

    Raises:
        ValidationError: at the field of the one that is wrong, or too weak.
        TooManyRequests: too many were wrong.
        Busy: too many passwords are looked at in this moment.
    """

    def check() -> str | None:
        with parts.passwords.turn():
            require_password(parts, user, present)
            if password is None:
                return None
            require_strong(parts, password, user.email, user.name)
            return parts.passwords.hash(password)

    try:
        return judged(parts, user, check)
    except BadCredentials:
        raise ValidationError(WRONG_PASSWORD, "current_password") from None
