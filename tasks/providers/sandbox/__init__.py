"""The sandbox: an embedded payment provider that moves no money, with books and webhooks of its own."""

from tasks.providers.sandbox.delivery import deliver_due, has_due
from tasks.providers.sandbox.methods import METHODS, Method
from tasks.providers.sandbox.provider import SandboxProvider

__all__ = ["METHODS", "Method", "SandboxProvider", "deliver_due", "has_due"]
