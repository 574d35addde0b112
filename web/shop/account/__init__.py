"""The pages under `/account`: each section a module, within one frame."""

from web.shop.account import mailed, notifications, privacy, profile, security, sessions, subscriptions
from web.shop.account.frame import blueprint

__all__ = [
    "blueprint",
    "mailed",
    "notifications",
    "privacy",
    "profile",
    "security",
    "sessions",
    "subscriptions",
]
