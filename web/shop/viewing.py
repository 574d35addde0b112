"""Who looks at a page."""

from web.auth.identity import identity_if_any
from web.auth.tokens import Identity
from web.http.errors import Problem


def viewer() -> Identity | None:
    """Who is logged in; None where the cookie is missing or not valid."""
    try:
        return identity_if_any()
    except Problem:
        return None
