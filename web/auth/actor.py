"""Names who of the staff acts in this request."""

from tasks.runtime.admin_log import Actor
from web.auth.identity import current_identity


def current_actor() -> Actor:
    """Name the admin who asks, or who made the key that asks; behind a permission."""
    identity = current_identity()
    if identity.key_of is not None:
        return Actor(identity.key_of, key_id=identity.user_id)
    return Actor(identity.user_id)
