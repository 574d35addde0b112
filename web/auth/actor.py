"""Names who of the staff acts in this request."""

from tasks.runtime.admin_log import Actor
from web.auth.identity import current_identity


def current_actor() -> Actor:
    """Name the admin who asks, or who made the key that asks; behind a permission."""
    identity = current_identity()
    return Actor(identity.key_of or identity.user_id)
