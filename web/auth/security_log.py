"""Logs who came in and who was refused: accounts by id, no password, no e-mail address.

An address that belongs to no account is logged as a keyed digest: the same address has the same digest, and
nobody can read it from the log.
"""

import hashlib
import hmac
import uuid
from typing import Final

import structlog
from flask import has_request_context, request

from web.limits.networks import narrowest_network

log = structlog.get_logger(__name__)

_LABEL: Final = b"e-mail in the log"
_DIGEST_CHARACTERS: Final = 16
_MOST_OF_A_PATH: Final = 200  # characters


def logged_in(account: uuid.UUID) -> None:
    """Note a log-in."""
    log.info("logged_in", account=str(account), network=network())


def log_in_failed(account: uuid.UUID | None, email: str, secret_key: str, reason: str) -> None:
    """Note a log-in that was refused, by the account where there is one."""
    who = {"account": str(account)} if account else {"email_digest": digest_of(email, secret_key)}
    log.warning("log_in_failed", reason=reason, network=network(), **who)


def confirmation_failed(account: uuid.UUID, reason: str) -> None:
    """Note somebody who is logged in, and gave a wrong password or code when asked again."""
    log.warning("confirmation_failed", account=str(account), reason=reason, network=network())


def refresh_token_reused(account: uuid.UUID) -> None:
    """Note a refresh token that was shown a second time, which ended its log-in: it may have been stolen."""
    log.warning("refresh_token_reused", account=str(account), network=network())


def csrf_refused(account: uuid.UUID) -> None:
    """Note a request by cookie without its CSRF token."""
    log.warning("csrf_refused", account=str(account), network=network(), **_asked())


def admin_denied(account: uuid.UUID, permission: str, staff_role: str | None) -> None:
    """Note an account or key that is known and asked for what its role may not; shoppers have none."""
    known = {"account": str(account), "permission": permission, "staff_role": staff_role}
    log.warning("admin_denied", network=network(), **known, **_asked())


def network() -> str:
    """Where the request comes from: the network that one customer has alone."""
    return narrowest_network(request.remote_addr or "") if has_request_context() else ""


def digest_of(email: str, secret_key: str) -> str:
    """Name an e-mail address so that nobody can read it."""
    message = _LABEL + email.lower().encode()
    return hmac.new(secret_key.encode(), message, hashlib.sha256).hexdigest()[:_DIGEST_CHARACTERS]


def _asked() -> dict[str, str]:
    return {"method": request.method, "path": request.path[:_MOST_OF_A_PATH]}
