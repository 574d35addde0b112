"""Encrypts what the ledger must keep and nobody may read there, by keys that are made of SECRET_KEY.

What is sealed names its key by the beginning of a digest, so that what an old key sealed is found by its
first characters, and sealed again by the new one.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_LABEL: Final = b"secrets at rest"
_NAME_CHARACTERS: Final = 8


class Seal:
    """Seals by the first key, and opens what any of them sealed."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        keys = [hmac.digest(key.encode(), _LABEL, "sha256") for key in secret_keys]
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
        self.prefix = hashlib.sha256(keys[0]).hexdigest()[:_NAME_CHARACTERS] + "."

    def close(self, secret: str) -> str:
        """Seal a secret."""
        return self.prefix + self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str | None:
        """Read what was sealed; None if no key of ours did it."""
        try:
            return self._fernet.decrypt(sealed.partition(".")[2]).decode()
        except InvalidToken:
            return None
