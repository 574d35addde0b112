"""Names our cookies and says which paths they are sent to.

In production they are `Secure` and their names begin with `__Host-`: a browser then takes them from this host
alone, over TLS alone, and for all of it (RFC 6265bis, section 4.1.3.2), so that no other host of the domain
and nobody on the way can put a cookie in place of ours. Over plain HTTP browsers refuse such names.
"""

from typing import Final

from config import Settings

HOST_PREFIX: Final = "__Host-"


def cookie_prefix(settings: Settings) -> str:
    """What stands before every cookie's name."""
    return HOST_PREFIX if settings.is_production else ""


def cookie_name(plain: str, settings: Settings) -> str:
    """Name a cookie as browsers know it here."""
    return cookie_prefix(settings) + plain


def cookie_path(narrow: str, settings: Settings) -> str:
    """Where a cookie is sent: only where it is needed, unless its name says that it is for the whole host."""
    return "/" if settings.is_production else narrow
