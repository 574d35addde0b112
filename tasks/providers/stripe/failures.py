"""Classifies Stripe's errors: no answer, our request refused, or an answer that the caller has to judge.

Whatever leaves open what Stripe did is `ProviderUnavailable`: the payment stays as it is, is asked about
again, and nothing is reported that might be wrong.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import stripe
import structlog

from tasks.providers.port import ProviderUnavailable
from tasks.providers.stripe.client import is_replayed

log: Final = structlog.get_logger()

OF_THE_SHOPPER: Final = ("payment_method", "confirmation_token")  # parameters that came from the shopper
_GONE: Final = 404


class NeverTold(ProviderUnavailable):
    """Asking again by the same key gives the same useless answer: a saved error, or other parameters."""


@contextmanager
def asking(what: str, subject: UUID) -> Iterator[None]:
    """Ask Stripe something about a payment or a refund.

    Raises:
        CardError, InvalidRequestError: the answer is no; nothing more happens by itself.
        NeverTold, ProviderUnavailable: it is unknown what was done.
    """
    try:
        yield
    except stripe.CardError:
        raise
    except stripe.InvalidRequestError as error:
        if error.http_status != _GONE or error.param in OF_THE_SHOPPER:
            raise
        # Not in this account, or of the other mode: with other keys it is there, and may have charged.
        log.error("stripe_does_not_know", what=what, subject=str(subject), **_facts(error))
        raise ProviderUnavailable(f"Stripe does not know what {what} is about.") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        log.error("stripe_refuses_the_key", what=what, subject=str(subject), **_facts(error))
        raise ProviderUnavailable("Stripe refuses the secret key.") from error
    except stripe.IdempotencyError as error:
        log.error("stripe_key_reused", what=what, subject=str(subject), **_facts(error))
        raise NeverTold(f"Stripe knows the key of {what} with other parameters.") from error
    except stripe.StripeError as error:
        unheard = NeverTold if is_replayed(error.headers) else ProviderUnavailable
        raise unheard(f"No answer to {what}: {type(error).__name__} {error.http_status or ''}") from error


def report_refusal(what: str, subject: UUID, error: stripe.InvalidRequestError) -> None:
    """Log an error for operators: the request that Stripe refused is wrong, or the account's settings."""
    log.error("stripe_refused", what=what, subject=str(subject), **_facts(error))


def _facts(error: stripe.StripeError) -> dict[str, object]:
    return {
        "code": error.code,
        "param": getattr(error, "param", None),
        "request": error.request_id,
        "error": error.user_message,
    }
