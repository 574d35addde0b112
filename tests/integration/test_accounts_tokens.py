"""Tokens: which ones are let in, which are not, and how soon a revoked one is refused everywhere."""

import base64
import time
import uuid
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient

from tests.integration.conftest import SECRET_KEY, Account, MakeApp
from tests.support.polling import eventually
from web.auth.tokens import AUDIENCE, ISSUER
from web.http.services import EXTENSION, Services

ME = "/api/v1/me"


def claims_of(account: Account, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {
        "sub": str(account.id),
        "role": account.role,
        "fam": str(account.family),
        "jti": str(uuid.uuid4()),
        "type": "access",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 60,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def sign(claims: dict[str, Any], key: str = SECRET_KEY, **options: Any) -> str:
    return jwt.encode(claims, key, **{"algorithm": "HS256", **options})


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", algorithm="none")


def flip(token: str, at: int) -> str:
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def swap_payload(me: Account) -> str:
    head, _, signature = me.access_token.split(".")
    payload = base64.urlsafe_b64encode(jwt.utils.force_bytes('{"role":"admin"}')).rstrip(b"=").decode()
    return f"{head}.{payload}.{signature}"


Mutant = Callable[[Account], str]
MUTANTS: dict[str, Mutant] = {
    "nothing": lambda _: "",
    "garbage": lambda _: "garbage",
    "three dots": lambda _: "...",
    "not ASCII": lambda _: "é.é.é",
    "endless": lambda _: "A" * 5000,
    "another key": lambda me: sign(claims_of(me), "another-key-of-good-length-0123456789abcdef"),
    "alg none": lambda me: unsigned(claims_of(me)),
    "alg none, our signature": lambda me: unsigned(claims_of(me)) + sign(claims_of(me)).rpartition(".")[2],
    "alg HS512": lambda me: sign(claims_of(me), SECRET_KEY * 2, algorithm="HS512"),
    "alg HS384 with our key": lambda me: sign(claims_of(me), SECRET_KEY, algorithm="HS384"),
    "expired": lambda me: sign(claims_of(me, exp=int(time.time()) - 1)),
    "without exp": lambda me: sign(claims_of(me, exp=None)),
    "exp a string": lambda me: sign(claims_of(me, exp="9999999999")),
    "exp true": lambda me: sign(claims_of(me, exp=True)),
    "issued tomorrow": lambda me: sign(claims_of(me, iat=int(time.time()) + 86_400)),
    "not before tomorrow": lambda me: sign(claims_of(me, nbf=int(time.time()) + 86_400)),
    "another audience": lambda me: sign(claims_of(me, aud="somebody-else")),
    "no audience": lambda me: sign(claims_of(me, aud=None)),
    "audience a dict": lambda me: sign(claims_of(me, aud={AUDIENCE: 1})),
    "audience part of ours": lambda me: sign(claims_of(me, aud=AUDIENCE[:-1])),
    "another issuer": lambda me: sign(claims_of(me, iss="somebody-else")),
    "no issuer": lambda me: sign(claims_of(me, iss=None)),
    "no subject": lambda me: sign(claims_of(me, sub=None)),
    "subject no UUID": lambda me: sign(claims_of(me, sub="1 OR 1=1")),
    "no family": lambda me: sign(claims_of(me, fam=None)),
    "family a list": lambda me: sign({**claims_of(me), "fam": ["x"]}),
    "no jti": lambda me: sign(claims_of(me, jti=None)),
    "unknown role": lambda me: sign(claims_of(me, role="root")),
    "an admin of no staff role": lambda me: sign(claims_of(me, role="admin")),
    "unknown staff role": lambda me: sign(claims_of(me, role="admin", staff="root")),
    "unknown type": lambda me: sign(claims_of(me, type="id")),
    "no type": lambda me: sign(claims_of(me, type=None)),
    "refresh as access": lambda me: me.refresh_token,
    "crit header": lambda me: sign(claims_of(me), headers={"crit": ["x"], "x": 1}),
    "payload swapped": swap_payload,
    "signature cut": lambda me: me.access_token[:-2],
    "signature missing": lambda me: me.access_token.rpartition(".")[0] + ".",
    "signature padded": lambda me: me.access_token + "=",
    "last character of the payload": lambda me: flip(me.access_token, me.access_token.rindex(".") - 1),
    "a character of the header": lambda me: flip(me.access_token, 5),
    "a payload that is no object": lambda _: jwt.PyJWS().encode(b"[1]", SECRET_KEY, algorithm="HS256"),
    "a payload that is no JSON": lambda _: jwt.PyJWS().encode(b"\xff", SECRET_KEY, algorithm="HS256"),
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("name", MUTANTS)
def test_a_token_that_is_not_good_is_a_401_with_a_challenge(
    client: FlaskClient, shopper: Account, name: str
) -> None:
    answer = client.get(ME, headers=bearer(MUTANTS[name](shopper)))
    assert answer.status_code == 401
    assert answer.json is not None
    assert answer.json["code"] == "unauthenticated"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("value", ["Basic YTpi", "Bearer", "bearer", "Token x", "Bearer a b", ""])
def test_an_authorization_of_another_kind_is_a_401(client: FlaskClient, value: str) -> None:
    assert client.get(ME, headers={"Authorization": value}).status_code == 401


@pytest.mark.parametrize(
    ("scheme", "changes", "options"),
    [
        ("Bearer", {}, {}),
        ("bearer", {}, {}),
        ("Bearer", {"aud": ["other", AUDIENCE]}, {}),
        ("Bearer", {}, {"headers": {"kid": "1"}}),
    ],
)
def test_a_good_token_is_let_in(
    client: FlaskClient, shopper: Account, scheme: str, changes: dict[str, Any], options: dict[str, Any]
) -> None:
    token = sign(claims_of(shopper, **changes), **options)
    assert client.get(ME, headers={"Authorization": f"{scheme} {token}"}).status_code == 200


def test_a_remembered_token_is_refused_once_it_has_expired(
    client: FlaskClient, shopper: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get(ME, headers=shopper.headers).status_code == 200
    later = time.time() + 3600
    monkeypatch.setattr("web.auth.tokens.time.time", lambda: later)
    answer = client.get(ME, headers=shopper.headers)
    assert (answer.status_code, answer.json and answer.json["detail"]) == (401, "The token has expired.")


def test_a_logged_out_token_is_refused_in_another_process_too(
    client: FlaskClient, shopper: Account, make_app: MakeApp
) -> None:
    other = make_app().test_client()
    assert other.get(ME, headers=shopper.headers).status_code == 200
    assert client.post("/api/v1/auth/logout", headers=shopper.headers).status_code == 204
    assert client.get(ME, headers=shopper.headers).status_code == 401
    eventually(lambda: other.get(ME, headers=shopper.headers).status_code == 401)


def test_a_process_that_starts_after_the_log_out_knows_of_it(
    client: FlaskClient, shopper: Account, make_app: MakeApp
) -> None:
    client.post("/api/v1/auth/logout", headers=shopper.headers)
    assert make_app().test_client().get(ME, headers=shopper.headers).status_code == 401


def test_tokens_are_still_read_while_the_ledger_is_away(
    make_app: MakeApp, shopper: Account, make_account: Callable[[], Account]
) -> None:
    signed_out = make_account()
    app = make_app()
    parts: Services = app.extensions[EXTENSION]
    parts.revoked.add(signed_out.family)
    away = make_app(database_url="postgresql+psycopg://app@/app?host=/nowhere")
    lost: Services = away.extensions[EXTENSION]
    assert lost.tokens.verify(shopper.access_token).identity.user_id == shopper.id
    lost.revoked.add(signed_out.family)
    assert away.test_client().get(ME, headers=signed_out.headers).status_code == 401
    assert away.test_client().get(ME, headers=shopper.headers).status_code == 503
