"""Verifies the signature of Stripe's webhooks with its library: HMAC over time and raw body."""

from typing import Final

import stripe

from tasks.providers.port import BadSignature

TOLERANCE_S: Final = 300


def verify(secrets: tuple[str, ...], header: str, body: bytes) -> None:
    """Check a webhook against every secret: while one is rotated, two are valid.

    Raises:
        BadSignature: none of them signed it within the last 300 seconds.
    """
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE_S)
        except (stripe.SignatureVerificationError, UnicodeDecodeError, TypeError):
            continue  # the last two: a body that is no UTF-8, a header that is no ASCII
        return
    raise BadSignature("No secret of ours fits the signature and the time.")
