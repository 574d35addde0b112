"""The cookie by which a browser is known to have logged in to an account before; it lets nobody in.

Its own tries are counted apart from strangers', so that strangers cannot keep an account's owner out.
"""

import hmac
import re
import secrets
from typing import Final

from flask import Response

DEVICE_COOKIE: Final = "fs_device"
KEPT_S: Final = 365 * 86_400
MOST_ACCOUNTS: Final = 5  # remembered by one browser

_COOKIE: Final = re.compile(r"([0-9a-f]{24})\.((?:[0-9a-f]{16}){1,5})\.([0-9a-f]{64})", re.ASCII).fullmatch


class Devices:
    """Reads and writes the cookie, signed by a key made of the application's secret."""

    def __init__(self, secret_key: str) -> None:
        self._key = hmac.digest(secret_key.encode(), b"device cookie", "sha256")

    def find(self, cookie: str | None, email: str) -> str | None:
        """The device's id, where somebody logged in to this account on it."""
        device, accounts = self._read(cookie)
        return device if self._account(email) in accounts else None

    def note(self, cookie: str | None, email: str) -> str:
        """The cookie once somebody has logged in to this account too."""
        device, accounts = self._read(cookie)
        account = self._account(email)
        newest = [account, *(one for one in accounts if one != account)][:MOST_ACCOUNTS]
        told = f"{device or secrets.token_hex(12)}.{''.join(newest)}"
        return f"{told}.{self._sign(told)}"

    def _read(self, cookie: str | None) -> tuple[str | None, list[str]]:
        found = _COOKIE(cookie or "")
        if found is None or not hmac.compare_digest(self._sign(f"{found[1]}.{found[2]}"), found[3]):
            return None, []
        return found[1], re.findall(".{16}", found[2])

    def _account(self, email: str) -> str:
        return hmac.digest(self._key, email.encode(errors="replace"), "sha256").hex()[:16]

    def _sign(self, told: str) -> str:
        return hmac.digest(self._key, b"sign " + told.encode(), "sha256").hex()


def set_device_cookie(response: Response, value: str, *, path: str, is_secure: bool) -> None:
    """Give a browser its cookie, for the log-in alone to see."""
    response.set_cookie(
        DEVICE_COOKIE, value, max_age=KEPT_S, path=path, secure=is_secure, httponly=True, samesite="Lax"
    )
