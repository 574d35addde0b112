"""A server that speaks Stripe's HTTP on loopback: state, keys, faults, webhooks, a script for browsers."""

from tests.support.fake_stripe.books import Books
from tests.support.fake_stripe.faults import Fault
from tests.support.fake_stripe.server import FakeStripe

__all__ = ["Books", "FakeStripe", "Fault"]
