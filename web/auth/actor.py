"""Names the admin who acts in this request."""

from tasks.runtime.admin_log import Actor
from web.auth.identity import current_identity


def current_actor() -> Actor:
    """Name the admin who asks; behind `admin_only`."""
    return Actor(current_identity().user_id)
