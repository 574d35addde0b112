"""Stripe as a payment provider. Only what talks to Stripe imports its library, and only once it is needed."""

from tasks.providers.stripe.provider import StripeProvider

__all__ = ["StripeProvider"]
