"""Signs and verifies the sandbox's webhooks: Stripe's scheme, HMAC-SHA-256 over time and raw body.

The header is `t=<unix seconds>,v1=<hex>`, where v1 signs `<t>.<body>`. There may be several v1, as while a
secret is being changed, and other schemes, which are ignored.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from config import ConfigurationError, PaymentSettings
from tasks.providers.port import BadSignature

HEADER: Final = "Sandbox-Signature"
TOLERANCE_S: Final = 300
MOST_CHARACTERS: Final = 2048  # of a header
_LABEL: Final = b"sandbox webhooks"
_TIME: Final = re.compile(r"[0-9]{1,12}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def webhook_secret(settings: PaymentSettings, secret_key: str) -> bytes:
    """Return what webhooks are signed with: the secret that is set, else one made of SECRET_KEY.

    Raises:
        ConfigurationError: neither is set.
    """
    if settings.sandbox_secret:
        return settings.sandbox_secret.encode()
    if not secret_key:
        raise ConfigurationError("The sandbox's webhooks need SANDBOX_WEBHOOK_SECRET or SECRET_KEY.")
    return hmac.new(secret_key.encode(), _LABEL, hashlib.sha256).hexdigest().encode()


def sign(secret: bytes, body: bytes, at: int) -> str:
    """Write the header for a body that is sent at this unix time."""
    return f"t={at},v1={_digest(secret, str(at), body)}"


def verify(secret: bytes, header: str, body: bytes, now: float, *, old: Sequence[bytes] = ()) -> None:
    """Check that the body was signed with this secret or an old one, within 300 s of `now`, a unix time.

    Raises:
        BadSignature: it was not.
    """
    if len(header) > MOST_CHARACTERS:
        raise BadSignature("The signature is too long.")
    parts = [part.partition("=")[::2] for part in header.split(",")]
    times = [value for name, value in parts if name == "t"]
    digests = [value for name, value in parts if name == "v1" and _DIGEST.fullmatch(value)]
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not digests:
        raise BadSignature("The signature is not of the form t=…,v1=….")
    expected = [_digest(secret, times[0], body) for secret in (secret, *old)]
    if not any([hmac.compare_digest(one, digest) for one in expected for digest in digests]):  # noqa: C419 - looks at each
        raise BadSignature("The signature is not the sandbox's.")
    if abs(now - int(times[0])) > TOLERANCE_S:
        raise BadSignature(f"The signature is not of these {TOLERANCE_S} seconds.")


def _digest(secret: bytes, at: str, body: bytes) -> str:
    return hmac.new(secret, at.encode() + b"." + body, hashlib.sha256).hexdigest()
