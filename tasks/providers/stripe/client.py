"""Connects to Stripe by its library; nothing global is changed but its telemetry, which is turned off.

The library's own retries are off: the sweep asks again, with pauses, and by the same keys.
"""

import logging
from typing import Any, Final

import stripe

from config import StripeSettings

CONNECT_S: Final = 5.0
READ_S: Final = (
    20.0  # a charge waits for the shopper's bank, which takes seconds; without an answer, it is asked again
)


def connect(settings: StripeSettings) -> stripe.StripeClient:
    """Make a client; it may be used from several threads, and connects when it is first used."""
    stripe.enable_telemetry = False
    logging.getLogger("stripe").setLevel(logging.WARNING)  # below, it logs what it sends
    return stripe.StripeClient(
        settings.secret_key,
        http_client=stripe.RequestsClient(timeout=(CONNECT_S, READ_S)),  # a session a thread
        max_network_retries=0,
        base_addresses={"api": settings.api_url} if settings.api_url else None,
    )


def is_replayed(headers: Any) -> bool:
    """Return whether an answer is the saved one to an earlier request with the same key."""
    return bool(headers) and headers.get("Idempotent-Replayed") == "true"
