"""Recognises programs' keys. Each is asked for in the ledger once a second at most; no token ever is."""

import time
import uuid
from typing import Final

from models.enums import Role
from tasks.context import Context
from tasks.staff.api_keys import digest_of, recognise
from web.auth.tokens import Identity
from web.http.errors import Unauthenticated

KEPT_S: Final = 1.0  # seconds that a key which was revoked may count


class Keys:
    """Tells which key it is. Only keys that count are remembered, so that strangers fill nothing."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[bytes, tuple[Identity, float]] = {}  # by digest, until (monotonic seconds)

    def identify(self, key: str) -> Identity:
        """Tell whose key it is. One that is unknown, revoked or expired costs the same work.

        Raises:
            Unauthenticated: it does not count.
        """
        digest = digest_of(key)
        identity, until = self._known.get(digest, (None, 0.0))
        if identity is not None and time.monotonic() < until:
            return identity
        known = recognise(self._context, digest)
        if known is None:
            self._known.pop(digest, None)
            raise Unauthenticated("The key is unknown, was revoked or has expired.")
        identity = Identity(known.id, Role.ADMIN, known.id, known.staff_role, key_of=known.made_by)
        self._known[digest] = identity, time.monotonic() + KEPT_S
        return identity

    def forget(self, key_id: uuid.UUID) -> None:
        """Look again at once for a key that was revoked here; other processes do within a second."""
        for digest, (identity, _) in list(self._known.items()):
            if identity.user_id == key_id:
                self._known.pop(digest, None)
