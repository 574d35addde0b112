"""`/auth/…`, for clients that keep their tokens themselves."""

from typing import Any

from models.tables.accounts import User
from web.api.schemas.accounts import LoginSchema, RegisterSchema, TokensSchema, UserAnswerSchema
from web.auth import accounts
from web.auth.accounts import LogIn
from web.auth.identity import current_identity, read_bearer, signed_in
from web.auth.logging_in import log_in, read_within_limits
from web.auth.tokens import REFRESH
from web.http.openapi import Blueprint
from web.http.services import services

blueprint = Blueprint("accounts", __name__, description="Accounts and tokens")


@blueprint.post("/auth/register")
@blueprint.arguments(RegisterSchema)
@blueprint.response(201, UserAnswerSchema)
def register(asked: dict[str, Any]) -> dict[str, User]:
    """Make a shopper's account, and mail the link that confirms its address.

    With mail, an address that has an account is answered alike, and told by mail.
    """
    services().passwords.require_room()
    services().limits.hit_address("register")
    return {"user": accounts.sign_up(services(), **asked)}


@blueprint.post("/auth/login")
@blueprint.arguments(LoginSchema)
@blueprint.response(200, TokensSchema)
def login(asked: dict[str, str]) -> dict[str, Any]:
    """Exchange e-mail and password for tokens."""
    return tokens_of(log_in(services(), **asked))


@blueprint.post("/auth/refresh")
@blueprint.response(200, TokensSchema)
@blueprint.doc(security=[{"refresh": []}])
def refresh() -> dict[str, Any]:
    """Exchange the refresh token (as bearer) for new tokens.

    It is spent by this; showing it again revokes the whole family.
    """
    shown = read_within_limits(services(), lambda: read_bearer(REFRESH))
    return tokens_of(accounts.refresh(services(), shown))


@blueprint.post("/auth/logout")
@signed_in
@blueprint.response(204)
def logout() -> None:
    """End the log-in that the access token belongs to, with its refresh token."""
    accounts.sign_out(services(), current_identity().family)


@blueprint.post("/auth/logout-everywhere")
@signed_in
@blueprint.response(204)
def logout_everywhere() -> None:
    """End every log-in of the account, on every device, this one too."""
    accounts.sign_out_everywhere(services(), current_identity().user_id)


def tokens_of(log_in: LogIn) -> dict[str, Any]:
    """Lay out what a log-in answers."""
    return {
        "access_token": log_in.pair.access_token,
        "refresh_token": log_in.pair.refresh_token,
        "token_type": "Bearer",
        "expires_in": log_in.pair.expires_in,
        "user": log_in.user,
    }
