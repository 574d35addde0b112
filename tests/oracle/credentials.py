"""Tokens as the shop writes them, and every kind of credential that is no good."""

import base64
import time
import uuid
from dataclasses import dataclass, replace
from typing import Any, Final

import jwt

from tests.oracle.odd_values import DEEP
from tests.oracle.wire import Header
from web.auth.identity import ACCESS_COOKIE, CSRF_HEADER, REFRESH_COOKIE
from web.auth.tokens import ACCESS, ALGORITHM, AUDIENCE, ISSUER, REFRESH

CSRF: Final = "5f0c2a52-6d0e-4d0f-9d1c-3c6a7f1b2e90"
_SHORT: Final = 900  # seconds


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in. `newest`: the jti of the refresh token that counts."""

    user_id: uuid.UUID
    family: uuid.UUID
    role: str
    staff_role: str | None = None
    is_verified: bool = False
    newest: uuid.UUID | None = None

    def token(self, key: str, kind: str = ACCESS, **changes: Any) -> str:
        """Write a token as the shop does, with some claims changed."""
        now = int(time.time())
        who = {"sub": str(self.user_id), "role": self.role, "fam": str(self.family)}
        if self.staff_role and kind == ACCESS:
            who["staff"] = self.staff_role
        jti = (self.newest if kind == REFRESH else None) or uuid.uuid4()
        proofs: dict[str, Any] = {"type": kind, "jti": str(jti), "csrf": CSRF}
        if self.is_verified and kind == ACCESS:
            proofs["ver"] = True
        times = {"iat": now, "nbf": now, "exp": now + _SHORT}
        claims: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, **who, **proofs, **times}
        return jwt.encode({**claims, **changes}, key, ALGORITHM)


def no_good(key: str, admin: Person) -> dict[str, list[Header]]:
    """Credentials that are nobody's, though each would be an admin's with something put right."""
    good = admin.token(key)
    head, payload, signature = good.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    past = int(time.time()) - 3_600
    tokens = {
        "garbage": "garbage",
        "empty": "",
        "expired": admin.token(key, exp=past),
        "not yet good": admin.token(key, nbf=past + 7_200),
        "signed by another key": admin.token("another key that is as long as it has to be"),
        "with a changed signature": f"{head}.{payload}.{signature[::-1]}",
        "without a signature": f"{head}.{payload}.",
        "of no algorithm": f"{unsigned}.{payload}.",
        "of no algorithm, and signed": f"{unsigned}.{payload}.{signature}",
        "for another audience": admin.token(key, aud="another-api"),
        "of another issuer": admin.token(key, iss="another-shop"),
        "of a role that there is not": admin.token(key, role="root"),
        "of a staff role that there is not": admin.token(key, staff="root"),
        "of no staff role": replace(admin, staff_role=None).token(key),
        "of no kind": admin.token(key, "both"),
        "very long": "a" * 7_000,
        "of a key that there is not": "fsk_" + "a" * 43,
        "of dots": "." * 3_000,
        "deep": f"{DEEP.decode()}.e30.x",
    }
    headers = {name: [shown(token)] for name, token in tokens.items()}
    headers["none"] = []
    headers["Basic"] = [(b"Authorization", b"Basic YTpi")]
    headers["Basic, with a token"] = [(b"Authorization", b"Basic " + good.encode())]
    headers["not ASCII"] = [(b"Authorization", "Bearer «…»".encode())]
    headers["not text"] = [(b"Authorization", b"Bearer \xff\xfe\x80")]
    headers["a garbled cookie"] = [_cookie(ACCESS_COOKIE, "garbage")]
    headers["twice"] = [shown(good), shown(good)]
    return headers


def by_session(person: Person, key: str, kind: str) -> list[Header]:
    """A session's cookie with its proof, as our own pages send it."""
    name = ACCESS_COOKIE if kind == ACCESS else REFRESH_COOKIE
    return [_cookie(name, person.token(key, kind)), (CSRF_HEADER.encode(), CSRF.encode())]


def by_cookie_alone(person: Person, key: str) -> list[Header]:
    """A session's cookies, as a browser sends them to another site's request: without what proves intent."""
    pair = ((ACCESS_COOKIE, ACCESS), (REFRESH_COOKIE, REFRESH))
    cookies = "; ".join(f"{name}={person.token(key, kind)}" for name, kind in pair)
    return [(b"Cookie", cookies.encode())]


def shown(token: str) -> Header:
    """A token or key as it is sent."""
    return b"Authorization", b"Bearer " + token.encode()


def _cookie(name: str, value: str) -> Header:
    return b"Cookie", f"{name}={value}".encode()
