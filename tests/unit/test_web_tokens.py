"""The quick reading of tokens: it takes what PyJWT takes and refuses what PyJWT refuses."""

import json
import time
import uuid
from typing import Any, cast

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from web.auth.revocation import RevokedFamilies
from web.auth.tokens import AUDIENCE, ISSUER, Tokens
from web.http.errors import Unauthenticated

KEY = "0f3b8e5d9c7a4162b8d0e6f1a2c3948576d1e0f9b8a7c6d5"
TOKENS = Tokens(KEY, cast(RevokedFamilies, frozenset()))


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "sub": str(uuid.uuid4()),
        "role": "shopper",
        "fam": str(uuid.uuid4()),
        "jti": str(uuid.uuid4()),
        "type": "access",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 86_400,  # the suite may take long between this and its use
        **changes,
    }


GOOD = jwt.encode(claims(), KEY, "HS256")


def is_taken(token: str) -> bool:
    try:
        TOKENS.verify(token)
    except Unauthenticated:
        return False
    return True


def is_taken_by_the_library(token: str) -> bool:
    try:
        jwt.decode(token, KEY, ["HS256"], audience=AUDIENCE, issuer=ISSUER)
    except (jwt.PyJWTError, ValueError):
        return False
    return True


def test_a_good_token_is_taken() -> None:
    assert is_taken(GOOD)
    assert is_taken_by_the_library(GOOD)


@settings(deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.characters(codec="utf-8"))
def test_a_token_with_another_character_is_taken_by_neither(at: int, character: str) -> None:
    mutant = GOOD[:at] + character + GOOD[at + 1 :]
    assert is_taken(mutant) == (mutant == GOOD)
    assert is_taken_by_the_library(mutant) == (mutant == GOOD)


@settings(deadline=None)
@given(st.integers(0, len(GOOD)), st.text(max_size=5))
def test_a_token_with_something_put_in_is_not_taken(at: int, extra: str) -> None:
    mutant = GOOD[:at] + extra + GOOD[at:]
    assert is_taken(mutant) == (mutant == GOOD)


@settings(deadline=None)
@given(st.text())
def test_no_text_is_more_than_refused(text: str) -> None:
    assert not is_taken(text)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["sub", "role", "fam", "jti", "type", "iss", "aud", "iat", "nbf", "exp", "csrf"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2),
        min_size=1,
    )
)
@pytest.mark.filterwarnings("ignore")
def test_no_claim_is_more_than_refused(changes: dict[str, Any]) -> None:
    token = jwt.PyJWS().encode(json.dumps(claims(**changes)).encode(), KEY, algorithm="HS256")
    if is_taken(token):
        assert set(changes) <= {"csrf", "iat", "nbf", "exp"}


@pytest.mark.parametrize("header", [None, {"kid": "x"}])  # one that we write, and one for PyJWT to read
def test_while_a_key_is_changed_the_old_ones_tokens_are_taken(header: dict[str, str] | None) -> None:
    new, older = KEY[::-1], KEY.replace("0", "9")
    tokens = Tokens(new, cast(RevokedFamilies, frozenset()), old_keys=[KEY, older])
    for key in (new, KEY, older):
        assert tokens.verify(jwt.encode(claims(), key, "HS256", headers=header)).kind == "access"
    with pytest.raises(Unauthenticated):
        tokens.verify(jwt.encode(claims(), KEY.replace("f", "1"), "HS256", headers=header))
    with pytest.raises(Unauthenticated):
        TOKENS.verify(jwt.encode(claims(), new, "HS256", headers=header))


def test_a_revoked_family_is_refused_even_when_remembered() -> None:
    revoked: set[uuid.UUID] = set()
    tokens = Tokens(KEY, cast(RevokedFamilies, revoked))
    family = tokens.verify(GOOD).identity.family
    revoked.add(family)
    with pytest.raises(Unauthenticated):
        tokens.verify(GOOD)
