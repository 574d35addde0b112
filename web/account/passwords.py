"""`/auth/password`: a new password for who forgot theirs, by a link in a mail."""

from flask import Response

from models.enums import LinkKind
from tasks.accounts.credentials import account_of_link, reset_password
from web.account.addresses import ask_for_link
from web.api.schemas.accounts import AskedAddressSchema, NewPasswordSchema
from web.auth.accounts import require_strong
from web.http.openapi import Blueprint
from web.http.services import services

blueprint = Blueprint("passwords", __name__, url_prefix="/auth/password", description="Forgotten passwords")


@blueprint.post("/forgot")
@blueprint.arguments(AskedAddressSchema)
@blueprint.response(202)
def forgot(asked: dict[str, str]) -> Response:
    """Mail a link to a new password, if the address has an account. The answer does not tell."""
    return ask_for_link(asked["email"], LinkKind.RESET_PASSWORD)


@blueprint.post("/reset")
@blueprint.arguments(NewPasswordSchema)
@blueprint.response(204)
def reset(asked: dict[str, str]) -> None:
    """Set a new password by a link's token, which is good once. Every log-in of the account ends."""
    parts = services()
    parts.passwords.require_room()
    parts.limits.hit_address("links")
    user = account_of_link(parts.context, asked["token"], LinkKind.RESET_PASSWORD)
    with parts.passwords.turn():
        require_strong(parts, asked["password"], user.email, user.name)
        hashed = parts.passwords.hash(asked["password"])
    parts.revoked.add(*reset_password(parts.context, asked["token"], hashed))
