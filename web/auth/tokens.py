"""Verifies tokens: the one path by which a token becomes an identity.

Tokens are written by flask-jwt-extended. Reading them with it costs 115 µs here, with PyJWT alone 42 µs
(both look at every character in Python), and a rush shows every token for the first time. So the header
that we write ourselves is compared as bytes and the HMAC computed directly (6 µs); a token with any other
header goes through PyJWT. The claims are checked here in both cases.
"""

import base64
import hmac
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import jwt
import orjson

from models.enums import Role, StaffRole
from web.auth.revocation import RevokedFamilies
from web.http.errors import Unauthenticated

ALGORITHM: Final = "HS256"
ISSUER: Final = "flash-sale"
AUDIENCE: Final = "flash-sale-api"
ACCESS: Final = "access"
REFRESH: Final = "refresh"
REMEMBERED: Final = 8192  # verified tokens kept in memory
MAX_TOKEN_CHARACTERS: Final = 4096
MAX_SECONDS_DIGITS: Final = 16
CLOCK_SKEW_S: Final = 60  # seconds that the clock which dates a token may be ahead of the one that reads it

_NO_GOOD: Final = "The token is not valid."


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, as a verified token says, or a key: then `user_id` and `family` are the key's id."""

    user_id: uuid.UUID
    role: str
    family: uuid.UUID
    staff_role: str | None = None  # of admins
    key_of: uuid.UUID | None = None  # a key's maker, in whose name it acts
    is_verified: bool = False  # its e-mail address; it may have become so since

    @property
    def is_admin(self) -> bool:
        """Whether it is staff; what they may do, their staff role says."""
        return self.role == Role.ADMIN

    @property
    def is_key(self) -> bool:
        """Whether it is a program's key, which is no account and owns nothing."""
        return self.key_of is not None


@dataclass(frozen=True, slots=True)
class Verified:
    """A token whose signature and claims are good; whether it still counts depends on time."""

    identity: Identity
    kind: str
    jti: uuid.UUID
    expires_at: float  # seconds since the epoch
    csrf: str | None


class Tokens:
    """Verifies tokens; remembers the last verified ones.

    While a key is changed, tokens that were written with an old one are good as well.
    """

    def __init__(self, secret_key: str, revoked: RevokedFamilies, *, old_keys: Sequence[str] = ()) -> None:
        self._keys = [key.encode() for key in (secret_key, *old_keys)]
        self._revoked = revoked
        self._own_header = jwt.encode({}, self._keys[0], ALGORITHM).partition(".")[0]
        self._verify = lru_cache(REMEMBERED)(self._verify_afresh)

    def verify(self, token: str, kind: str = ACCESS) -> Verified:
        """Verify a token of a kind, now.

        Raises:
            Unauthenticated: malformed, forged, expired, revoked, for somebody else or of the other kind.
        """
        verified = self._verify(token)
        if verified.kind != kind:
            raise Unauthenticated(
                f"This takes an {kind} token." if kind == ACCESS else "This takes a refresh token."
            )
        self.require_current(verified)
        return verified

    def require_current(self, verified: Verified) -> None:
        """Let a token that was verified before go on counting; looks into no store.

        Raises:
            Unauthenticated: it expired or was revoked since.
        """
        if verified.expires_at <= time.time():
            raise Unauthenticated("The token has expired.")
        if verified.identity.family in self._revoked:
            raise Unauthenticated("The token was revoked.")

    def write_renewal(self, family: uuid.UUID, until: int) -> str:
        """Write the word that a log-in was renewed until then (s of the epoch), by which its sockets go on.

        It is worth nothing to others: it only prolongs what rests on this log-in (docs/decisions/0026).
        """
        return (
            f"{until}.{_unpadded(hmac.digest(self._keys[0], _renewal_of(family, until), 'sha256')).decode()}"
        )

    def renew(self, verified: Verified, renewal: str) -> Verified:
        """Let a verified token count as long as the one that replaced it.

        Raises:
            Unauthenticated: the word is another log-in's, expired or none; or the log-in was revoked.
        """
        until, _, signature = renewal.partition(".")
        if not (until.isdecimal() and len(until) < MAX_SECONDS_DIGITS and signature.isascii()):
            raise Unauthenticated(_NO_GOOD)
        signed = _renewal_of(verified.identity.family, int(until))
        if not any(_is_signed(key, signed, signature.encode()) for key in self._keys):
            raise Unauthenticated(_NO_GOOD)
        renewed = replace(verified, expires_at=max(verified.expires_at, int(until)))
        self.require_current(renewed)
        return renewed

    def _verify_afresh(self, token: str) -> Verified:
        try:
            return _read_claims(self._signed_payload(token))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, jwt.PyJWTError) as error:
            raise Unauthenticated(_NO_GOOD) from error

    def _signed_payload(self, token: str) -> bytes:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise ValueError("too long for a token of ours")
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        if header != self._own_header:
            return self._read_with_the_library(token)
        if not any(_is_signed(key, signed.encode("ascii"), signature.encode("ascii")) for key in self._keys):
            raise ValueError("the signature is not ours")
        return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))

    def _read_with_the_library(self, token: str) -> bytes:
        for key in self._keys[:-1]:
            with suppress(jwt.InvalidSignatureError):
                return jwt.PyJWS().decode(token, key, algorithms=[ALGORITHM])  # type: ignore[no-any-return]
        return jwt.PyJWS().decode(token, self._keys[-1], algorithms=[ALGORITHM])  # type: ignore[no-any-return]


def _is_signed(key: bytes, signed: bytes, signature: bytes) -> bool:
    return hmac.compare_digest(_unpadded(hmac.digest(key, signed, "sha256")), signature)


def _renewal_of(family: uuid.UUID, until: int) -> bytes:
    """What is signed: never to be taken for a token, which begins with its header."""
    return b"socket renewal " + family.bytes + str(until).encode()


def _read_claims(payload: bytes) -> Verified:
    """Check the claims (RFC 7519, section 4.1) of a payload whose signature is good."""
    claims = orjson.loads(payload)
    audience = claims["aud"]
    if claims["iss"] != ISSUER or (audience != AUDIENCE and AUDIENCE not in _listed(audience)):
        raise ValueError("for somebody else")
    for starts in ("iat", "nbf"):
        if starts in claims and _number(claims[starts]) > time.time() + CLOCK_SKEW_S:
            raise ValueError("from the future")
    kind = claims["type"]
    if kind not in {ACCESS, REFRESH}:
        raise ValueError("neither an access nor a refresh token")
    role = Role(claims["role"])
    # An admin's access token without the claim is refused, not guessed at; the refresh token gives a new one.
    is_staff = role is Role.ADMIN and kind == ACCESS
    staff_role = StaffRole(claims["staff"]).value if is_staff else None
    identity = Identity(
        uuid.UUID(claims["sub"]),
        role.value,
        uuid.UUID(claims["fam"]),
        staff_role,
        is_verified=claims.get("ver") is True,
    )
    return Verified(identity, kind, uuid.UUID(claims["jti"]), _number(claims["exp"]), claims.get("csrf"))


def _listed(audience: Any) -> list[Any]:
    return audience if isinstance(audience, list) else []


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a time")
    return value


def _unpadded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
