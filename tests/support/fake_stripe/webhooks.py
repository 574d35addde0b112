"""Sends the fake's events: signed as Stripe signs, over real HTTP, as often as a test likes."""

import hmac
import time
from hashlib import sha256
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson

HEADER: Final = "Stripe-Signature"


def sign(secret: str, body: bytes, at: float | None = None) -> str:
    """Write the signature of a body: HMAC-SHA-256 over time and raw body, by Stripe's documentation."""
    moment = int(time.time() if at is None else at)
    signature = hmac.new(secret.encode(), f"{moment}.".encode() + body, sha256).hexdigest()
    return f"t={moment},v1={signature}"


def pack(event: Any) -> bytes:
    """Write an event's body; spaced, as Stripe does, so that a check that serialises it again fails."""
    return orjson.dumps(event, option=orjson.OPT_INDENT_2)


def post(url: str, event: Any, secret: str, *, at: float | None = None) -> int:
    """Send an event; says with which status it was answered."""
    body = pack(event)
    headers = {"Content-Type": "application/json; charset=utf-8", HEADER: sign(secret, body, at)}
    try:
        with urlopen(Request(url, body, headers), timeout=30) as answer:  # noqa: S310 - loopback
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code
