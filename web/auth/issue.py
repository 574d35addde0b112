"""Issues tokens and sets the session's cookies, with flask-jwt-extended."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask, Response, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    set_access_cookies,
    set_refresh_cookies,
    unset_jwt_cookies,
)

from config import Settings
from models.enums import Role
from web.auth.cookies import cookie_name, cookie_path
from web.auth.identity import (
    ACCESS_COOKIE,
    ACCESS_CSRF_COOKIE,
    CSRF_HEADER,
    REFRESH_COOKIE,
    REFRESH_CSRF_COOKIE,
    ROLE_COOKIE,
)
from web.auth.tokens import ALGORITHM, AUDIENCE, ISSUER
from web.http.services import services

SESSION_PATH = "/session"


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a log-in gives."""

    access_token: str
    refresh_token: str
    expires_in: int  # seconds that the access token lives
    refresh_expires_in: int  # seconds


def configure_tokens(app: Flask, settings: Settings) -> None:
    """Tell flask-jwt-extended how tokens and cookies are to be."""
    app.config.update(
        JWT_SECRET_KEY=settings.secret_key,
        JWT_ALGORITHM=ALGORITHM,
        JWT_ENCODE_ISSUER=ISSUER,
        JWT_DECODE_ISSUER=ISSUER,
        JWT_ENCODE_AUDIENCE=AUDIENCE,
        JWT_DECODE_AUDIENCE=AUDIENCE,
        JWT_ENCODE_NBF=False,
        JWT_ACCESS_TOKEN_EXPIRES=settings.access_token_s,
        JWT_REFRESH_TOKEN_EXPIRES=settings.refresh_token_s,
        JWT_TOKEN_LOCATION=["headers", "cookies"],
        JWT_COOKIE_CSRF_PROTECT=True,
        JWT_COOKIE_SECURE=settings.is_production,
        JWT_COOKIE_SAMESITE="Lax",
        JWT_ACCESS_COOKIE_NAME=cookie_name(ACCESS_COOKIE, settings),
        JWT_REFRESH_COOKIE_NAME=cookie_name(REFRESH_COOKIE, settings),
        JWT_REFRESH_COOKIE_PATH=cookie_path(SESSION_PATH, settings),
        JWT_ACCESS_CSRF_COOKIE_NAME=cookie_name(ACCESS_CSRF_COOKIE, settings),
        JWT_REFRESH_CSRF_COOKIE_NAME=cookie_name(REFRESH_CSRF_COOKIE, settings),
        JWT_ACCESS_CSRF_HEADER_NAME=CSRF_HEADER,
        JWT_REFRESH_CSRF_HEADER_NAME=CSRF_HEADER,
    )
    JWTManager(app)


def issue_access(
    user_id: uuid.UUID,
    role: str,
    family: uuid.UUID,
    *,
    staff_role: str | None = None,
    is_verified: bool = False,
    ttl_s: int | None = None,
) -> str:
    """Write an access token; needs the app's context.

    It says of an admin what staff they are, and of a shopper whether the e-mail address is confirmed.
    """
    known: dict[str, Any] = {"staff": staff_role} if staff_role else {}
    if is_verified:
        known["ver"] = True
    token: str = create_access_token(
        str(user_id),
        expires_delta=timedelta(seconds=ttl_s) if ttl_s else None,
        additional_claims={"role": role, "fam": str(family), **known},
    )
    return token


def issue_pair(
    user_id: uuid.UUID,
    role: str,
    family: uuid.UUID,
    refresh_jti: uuid.UUID,
    *,
    staff_role: str | None = None,
    is_verified: bool = False,
    left_s: int | None = None,
) -> TokenPair:
    """Write the two tokens of a family; the refresh token carries the family's newest jti.

    Neither outlives the log-in, of which so many seconds are left.
    """
    settings = services().settings
    left_s = settings.session_s if left_s is None else left_s
    access_s, refresh_s = min(settings.access_token_s, left_s), min(settings.refresh_token_s, left_s)
    claims = {"role": role, "fam": str(family), "jti": str(refresh_jti)}
    return TokenPair(
        access_token=issue_access(
            user_id, role, family, staff_role=staff_role, is_verified=is_verified, ttl_s=access_s
        ),
        refresh_token=create_refresh_token(
            str(user_id), expires_delta=timedelta(seconds=refresh_s), additional_claims=claims
        ),
        expires_in=access_s,
        refresh_expires_in=refresh_s,
    )


def set_session_cookies(response: Response, pair: TokenPair) -> None:
    """Put both tokens into HttpOnly cookies, and their CSRF tokens into readable ones."""
    set_access_cookies(response, pair.access_token, max_age=pair.expires_in)
    set_refresh_cookies(response, pair.refresh_token, max_age=pair.refresh_expires_in)


def set_role_cookie(response: Response, role: str, settings: Settings, *, max_age_s: int) -> None:
    """Let the pages' scripts know an admin, whom they show a link; what admins may, the token alone says."""
    name = cookie_name(ROLE_COOKIE, settings)
    if role == Role.ADMIN:
        response.set_cookie(name, role, max_age=max_age_s, secure=settings.is_production, samesite="Lax")
    elif name in request.cookies:
        response.delete_cookie(name, secure=settings.is_production, samesite="Lax")


def clear_session_cookies(response: Response, settings: Settings) -> None:
    """Take all cookies of the session away."""
    unset_jwt_cookies(response)
    set_role_cookie(response, "", settings, max_age_s=0)
